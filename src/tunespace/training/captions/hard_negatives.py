"""Hard negatives in words: texts that are nearly true of a clip, and are not."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tunespace.data.manifest import Item
from tunespace.training.captions.samplers import BETWEEN, Said, token
from tunespace.training.recipe import config

_TRIES = 20
_DENIALS = ("no {x}", "without {x}", "not {x}")


@dataclass(frozen=True)
class Surroundings:
    """All that is said of any clip to learn from.

    Attributes:
        tags: In order.
        artists: Names.
        tracks: ``track_id`` of each clip.
    """

    tags: tuple[str, ...]
    artists: tuple[str, ...]
    tracks: tuple[str, ...]

    @classmethod
    def of(cls, items: Sequence[Item]) -> "Surroundings":
        """What is said of these clips."""
        return cls(
            tuple(sorted({tag for item in items for tag in item.tags})),
            tuple(sorted({item.by for item in items if item.by})),
            tuple(item.track_id for item in items),
        )

    @cached_property
    def any_tag(self) -> re.Pattern[str]:
        """Finds tags in a sentence, the longest first."""
        longest = sorted(self.tags, key=len, reverse=True)
        return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest))})\b", re.IGNORECASE)


def mislead(
    settings: config.Hard,
    said: Said,
    item: Item,
    around: Surroundings,
    random: np.random.Generator,
    progress: float,
) -> Said:
    """The same text with one beside it that is not true of the clip, where one is found.

    Args:
        settings: Of the recipe.
        said: What is said of the clip.
        item: The clip.
        around: What is said of others.
        random: Source of what is drawn.
        progress: Share of the epochs that are over.
    """
    match settings:
        case config.NoHard():
            return said
        case config.OtherText():
            return replace(said, wrong=_other(said, item, around, random))
        case config.Swap(from_epoch=begin):
            return (
                said
                if progress < begin
                else replace(said, wrong=_swapped(said, item, around, random))
            )
        case config.Negation(share=share):
            return _denied(said, item, around, random, share)


def _absent(item: Item, around: Surroundings, random: np.random.Generator) -> str:
    """A tag that the clip does not carry; empty where none is found."""
    if not around.tags:
        return ""
    drawn = (around.tags[int(random.integers(len(around.tags)))] for _ in range(_TRIES))
    return next((tag for tag in drawn if tag not in item.tags), "")


def _other(said: Said, item: Item, around: Surroundings, random: np.random.Generator) -> str:
    """Another of the same kind, each alike (Choi et al. 2019, section 3.2)."""
    kind, mark, _ = said.text.partition(":")
    if not mark or kind not in ("artist", "track"):
        return _absent(item, around, random)
    names = around.artists if kind == "artist" else around.tracks
    own = item.by if kind == "artist" else item.track_id
    drawn = (names[int(random.integers(len(names)))] for _ in range(_TRIES))
    return next((token(kind, name) for name in drawn if name != own), "")


def _swapped(said: Said, item: Item, around: Surroundings, random: np.random.Generator) -> str:
    named = _named(said, around)
    absent = _absent(item, around, random)
    if not named or not absent:
        return ""
    old = named[int(random.integers(len(named)))]
    return re.sub(rf"\b{re.escape(old)}\b", lambda _: absent, said.text, count=1)


def _denied(
    said: Said, item: Item, around: Surroundings, random: np.random.Generator, share: float
) -> Said:
    named, text = _named(said, around), said.text
    way = _DENIALS[int(random.integers(len(_DENIALS)))]
    absent = _absent(item, around, random)
    if absent and random.random() < share:
        text = f"{text}{BETWEEN}{way.replace('{x}', absent)}"
    if not named:
        return replace(said, text=text)
    old = named[int(random.integers(len(named)))]
    wrong = re.sub(rf"\b{re.escape(old)}\b", lambda _: way.replace("{x}", old), text, count=1)
    return replace(said, text=text, wrong=wrong)


def _named(said: Said, around: Surroundings) -> tuple[str, ...]:
    """Tags in the text."""
    if said.labels or not around.tags:
        return said.labels
    return tuple(dict.fromkeys(around.any_tag.findall(said.text)))
