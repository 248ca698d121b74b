"""Describe clips of the benchmark: tags as they are, captions in other words.

What is known of a clip is a few words of a kind: style, instruments, tempo, mode, mood. A caption
says the same in a sentence, half of the time with another word for the same thing, so that a model
must learn that "unhurried" is slow: captions of people differ from tags in that way. The sentences
are built unlike those of ``captions.kind: tags-to-caption``, which would know the answers.
"""

from collections.abc import Mapping, Sequence

import numpy as np

KINDS = ("style", "instrument", "tempo", "mode", "mood", "other")

OTHERWISE: Mapping[str, tuple[str, ...]] = {
    "slow": ("unhurried", "at a leisurely pace"),
    "medium tempo": ("at a moderate pace", "neither slow nor fast"),
    "fast": ("brisk", "at a lively pace"),
    "minor key": ("in a minor mode", "in minor"),
    "major key": ("in a major mode", "in major"),
    "sad": ("sorrowful", "melancholy"),
    "joyful": ("cheerful", "merry"),
    "happy": ("cheerful", "bright"),
    "calm": ("peaceful", "quiet"),
    "tender": ("gentle", "affectionate"),
    "tense": ("uneasy", "nervous"),
    "powerful": ("forceful", "strong"),
    "solemn": ("grave", "ceremonial"),
    "nostalgic": ("wistful", "looking back"),
    "wonder": ("full of wonder", "amazed"),
    "relaxing": ("soothing", "restful"),
    "energetic": ("driving", "full of energy"),
    "emotional": ("moving", "stirring"),
    "mellow": ("soft", "laid back"),
    "drums": ("a drum kit", "a beat"),
    "no drums": ("without any beat", "no percussion at all"),
    "strings": ("a string section", "bowed strings"),
    "double bass": ("an upright bass", "a plucked bass"),
    "bass guitar": ("an electric bass", "a bass line"),
    "female vocalists": ("a woman singing", "a female voice"),
    "synthesizer": ("synths", "electronic keyboards"),
    "electronic": ("made with machines", "electronica"),
    "soundtrack": ("as for a film", "film music"),
    "ambient": ("atmospheric sound", "drifting sound"),
}

_OPENINGS = ("{style} piece", "recording of {style}", "bit of {style}", "{style} number")
_PLAYED = (
    "You can hear {i}.",
    "The instruments are {i}.",
    "It is carried by {i}.",
    "{i} can be heard.",
)


def caption(known: Mapping[str, Sequence[str]], random: np.random.Generator) -> str:
    """Return one or two sentences about a clip.

    Args:
        known: Words of the clip by kind, of ``KINDS``.
        random: Draws the words and their order.
    """
    style = _and([_otherwise(word, random) for word in known.get("style", ())][:2])
    opening = str(random.choice(_OPENINGS)).replace("{style}", style or "instrumental music")
    mood = [_otherwise(word, random) for word in known.get("mood", ())][:2]
    text = f"{_article(mood[0] if mood else opening)} {_and(mood)} {opening}".replace("  ", " ")
    ends = [_otherwise(w, random) for kind in ("tempo", "mode") for w in known.get(kind, ())]
    if ends:
        text += ", " + ", ".join(ends[k] for k in random.permutation(len(ends)))
    sentences = [text[0].upper() + text[1:] + "."]
    heard = [_otherwise(word, random) for word in known.get("instrument", ())]
    if heard:
        heard = [heard[k] for k in random.permutation(len(heard))][:4]
        said = str(random.choice(_PLAYED)).replace("{i}", _and(heard))
        sentences.append(said[0].upper() + said[1:])
    rest = [_otherwise(word, random) for word in known.get("other", ())]
    if rest:
        sentences.append(f"{_and(rest[:3]).capitalize()}.")
    return " ".join(sentences)


def tags(known: Mapping[str, Sequence[str]]) -> list[str]:
    """Return all tags, without repetition."""
    return list(dict.fromkeys(word for kind in KINDS for word in known.get(kind, ())))


def tempo(beats: float) -> str:
    """Return the word for a tempo in beats per minute."""
    return "slow" if beats < 90 else "fast" if beats > 140 else "medium tempo"


def _otherwise(word: str, random: np.random.Generator) -> str:
    others = OTHERWISE.get(word, ())
    return str(random.choice(others)) if others and random.random() < 0.5 else word


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


def _article(word: str) -> str:
    return "an" if word[:1] in "aeiou" else "a"
