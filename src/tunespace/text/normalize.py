"""Words as keys: what people spell differently and mean alike becomes one string.

"Hip-Hop", "hip hop" and "hiphop" share a key, as do "música" and "musica". Scripts that are written
without spaces (Chinese, Japanese) and Korean, whose particles cling to words, are cut into single
characters, so that the longest run that is a term can be found among them.
"""

import re
import unicodedata
from dataclasses import dataclass

# Letters that carry no separable accent and are still typed without their stroke.
_STROKES = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"})
# Accents of Latin, Greek and Cyrillic; Arabic vowel points. Other marks (Devanagari, kana) are
# parts of letters.
_ACCENTS = re.compile(r"[\u0300-\u036f\u064b-\u065f\u0670]")
_NOT_IN_ASCII_KEYS = dict.fromkeys(n for n in range(128) if not chr(n).isalnum() and chr(n) != "&")
_NOT_IN_KEYS = re.compile(r"[^\w&]|_")

_UNSPACED = (
    r"\u3005\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    r"\U00020000-\U0002fa1f"
)
_HANGUL = re.compile(r"[\uac00-\ud7af]")
# In order: an unspaced character; a word with its marks, an inner apostrophe or ampersand (r&b);
# a dash that negates, since a space stands before it and none behind; any other boundary.
_TOKEN = re.compile(
    rf"(?P<character>[{_UNSPACED}])"
    rf"|(?P<word>(?:(?![{_UNSPACED}_])[\w\u0300-\u036f\u0900-\u0963\u064b-\u065f])+"
    rf"(?:['’&](?:(?![{_UNSPACED}_])[\w\u0300-\u036f])+)*)"
    r"|(?P<minus>(?<![^\s,;(])[-\u2212](?=\w))"
    r"|(?P<boundary>[,;:.!?/|+()\[\]{}\"“”、。，；！？·\n])"
)


@dataclass(frozen=True)
class Token:
    """A word, or a single character of a script without spaces.

    Attributes:
        text: As it was typed, in lower case.
        key: Folded; empty for a dash that negates.
        glued: Whether it follows the token before it without a space.
        after_boundary: Whether a comma or the like stands before it; no term reaches across.
        unspaced: Whether it is a character of a script without spaces.
    """

    text: str
    key: str
    glued: bool = False
    after_boundary: bool = False
    unspaced: bool = False

    @property
    def is_hangul(self) -> bool:
        """Whether it is one Korean syllable."""
        return bool(_HANGUL.match(self.text))


def fold(text: str) -> str:
    """The key of a word or phrase: no case, accents, hyphens, apostrophes or spaces."""
    if text.isascii():
        return text.lower().translate(_NOT_IN_ASCII_KEYS)
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    text = unicodedata.normalize("NFC", _ACCENTS.sub("", text)).translate(_STROKES)
    # Marks that are parts of letters are no word characters to a regular expression.
    return "".join(
        c for c in text if not _NOT_IN_KEYS.match(c) or unicodedata.category(c) in ("Mn", "Mc")
    )


def max_token_count(text: str) -> int:
    """At least as many tokens as a text has, without cutting it."""
    if text.isascii():
        return 1 + text.count(" ") + text.count("-") + text.count("/")
    return len(text)


def tokenize(text: str) -> list[Token]:
    """Cuts a query into tokens; an emoji becomes the words of its Unicode name."""
    text = unicodedata.normalize("NFKC", "".join(map(_spelled_out, text))).casefold()
    found: list[Token] = []
    boundary, end = False, 0
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "boundary":
            boundary = True
            continue
        found.append(
            Token(
                match.group(),
                fold(match.group()),
                glued=bool(found) and match.start() == end and not boundary,
                after_boundary=boundary,
                unspaced=match.lastgroup == "character",
            )
        )
        boundary, end = False, match.end()
    return found


def _spelled_out(character: str) -> str:
    if unicodedata.category(character) not in ("So", "Sk"):
        return character
    return f" {unicodedata.name(character, '').lower()} "
