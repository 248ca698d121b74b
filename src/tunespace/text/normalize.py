"""Normalise text to keys, so that spelling variants of a word compare equal.

"Hip-Hop", "hip hop" and "hiphop" share a key, as do "música" and "musica". Scripts that are written
without spaces (Chinese, Japanese) and Korean, whose particles are attached to words, are split into
single characters, so that the longest run that is a term can be matched.
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
        text: Token as it was typed, in lower case.
        key: Normalised key; empty for a dash that negates.
        glued: Whether no space separates the token from the one before it.
        after_boundary: Whether a comma or similar precedes the token; no term spans a boundary.
        unspaced: Whether the token is a character of a script without spaces.
    """

    text: str
    key: str
    glued: bool = False
    after_boundary: bool = False
    unspaced: bool = False

    @property
    def is_hangul(self) -> bool:
        """True if the token is a Korean syllable."""
        return bool(_HANGUL.match(self.text))


def fold(text: str) -> str:
    """Return the key of a word or phrase, without case, accents, hyphens, apostrophes and spaces.

    Examples:
        >>> fold("Hip-Hop"), fold("música")
        ('hiphop', 'musica')
    """
    if text.isascii():
        text = text.lower()
        return text if text.isalnum() else text.translate(_NOT_IN_ASCII_KEYS)
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    text = unicodedata.normalize("NFC", _ACCENTS.sub("", text)).translate(_STROKES)
    if text.isalnum():
        return text
    # Regular expressions do not count marks that are parts of letters as word characters.
    return "".join(
        c for c in text if not _NOT_IN_KEYS.match(c) or unicodedata.category(c) in ("Mn", "Mc")
    )


def fold_name(text: str) -> str:
    """Return the key of a name: that of ``fold``, or its signs if it has no letters.

    Examples:
        >>> fold_name("The Beatles"), fold_name("!!!")
        ('thebeatles', '!!!')
    """
    return fold(text) or "".join(unicodedata.normalize("NFKC", text).casefold().split())


def max_token_count(text: str) -> int:
    """Return an upper bound of the number of tokens in a text, without tokenizing it."""
    if text.isascii():
        return 1 + text.count(" ") + text.count("-") + text.count("/")
    return len(text)


def tokenize(text: str) -> list[Token]:
    """Split a query into tokens; an emoji becomes the words of its Unicode name.

    Examples:
        >>> [token.text for token in tokenize("Hip-hop & R&B")]
        ['hip', 'hop', 'r&b']
    """
    text = unicodedata.normalize("NFKC", "".join(map(_spelled_out, text))).casefold()
    tokens: list[Token] = []
    boundary, end = False, 0
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "boundary":
            boundary = True
            continue
        tokens.append(
            Token(
                match.group(),
                fold(match.group()),
                glued=bool(tokens) and match.start() == end and not boundary,
                after_boundary=boundary,
                unspaced=match.lastgroup == "character",
            )
        )
        boundary, end = False, match.end()
    return tokens


def _spelled_out(character: str) -> str:
    if unicodedata.category(character) not in ("So", "Sk"):
        return character
    return f" {unicodedata.name(character, '').lower()} "
