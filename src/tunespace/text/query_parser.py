"""Parser of queries: wanted and unwanted terms, and the rest as a sentence.

From left to right the longest term wins. English is tried first, then the other languages, unless
a longer term of theirs starts at the same token. A token that is no word at all is corrected to the
nearest lexicon word.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from tunespace.text import negation_words
from tunespace.text.lexicon import STOP_WORDS, Lexicon
from tunespace.text.normalize import Token, tokenize


class Correction(NamedTuple):
    """Corrected typing error.

    Attributes:
        typed: Word as it was typed.
        corrected: Word as it is read.

    Examples:
        >>> Correction("guittar", "guitar").corrected
        'guitar'
    """

    typed: str
    corrected: str


@dataclass(frozen=True)
class Term:
    """Lexicon term in a query.

    Attributes:
        word: Word of the lexicon.
        typed: Words of the query.
        wanted: False for "no WORD".
        negated: Whether the term states what is not wanted, by a negation before it or of its own:
            "no vocals" is an entry of many lexicons, and wanted.

    Examples:
        >>> Term("drums", "drums", wanted=False).wanted
        False
    """

    word: str
    typed: str
    wanted: bool = True
    negated: bool = False


@dataclass(frozen=True)
class ParsedQuery:
    """Parsed text of a query.

    Attributes:
        terms: Lexicon terms, in order.
        sentence: Text for the sentence encoder: translated to English by the lexicon, without what
            is not wanted; empty if nothing is left.
        unwanted: Words after a negation that are not in the lexicon, for the sentence encoder.
        unknown_share: Fraction of the words of the sentence that are in no term, 0 to 1; words that
            do not describe music ("a song with") are not counted.
        corrections: Corrected typing errors.

    Examples:
        >>> from tunespace import load_model
        >>> query = parse_query("jazz, not loud", load_model().lexicon_vectors.lexicon)
        >>> [(term.word, term.wanted) for term in query.terms]
        [('jazz', True), ('loud', False)]
    """

    terms: tuple[Term, ...]
    sentence: str
    unwanted: tuple[str, ...] = ()
    unknown_share: float = 1.0
    corrections: tuple[Correction, ...] = ()


def parse_query(
    query: str, lexicon: Lexicon, is_word: Callable[[str], bool] | None = None
) -> ParsedQuery:
    """Parse a query.

    Args:
        query: Text as it was typed.
        lexicon: Lexicon of the terms.
        is_word: Returns whether a string is a word of any language; a string that is not is
            corrected to the nearest lexicon word. None for no correction.

    Examples:
        >>> from tunespace.text import Entry
        >>> words = {w: Entry(w, "instrument", "", "") for w in ("piano", "drums")}
        >>> parsed = parse_query("piano, no drums", Lexicon(words, {}))
        >>> [(term.word, term.wanted) for term in parsed.terms]
        [('piano', True), ('drums', False)]
        >>> parsed.sentence
        'piano'
    """
    tokens = tokenize(query)
    if is_word is None:
        return _QueryParser(tokens, lexicon).parse()
    corrected = [_correct_spelling(token, lexicon, is_word) for token in tokens]
    corrections = tuple(
        Correction(old.text, new.text)
        for old, new in zip(tokens, corrected, strict=True)
        if old.text != new.text
    )
    return replace(_QueryParser(corrected, lexicon).parse(), corrections=corrections)


def _correct_spelling(token: Token, lexicon: Lexicon, is_word: Callable[[str], bool]) -> Token:
    if not token.key or token.key in STOP_WORDS or is_word(token.text):
        return token
    singulars = {token.key, token.key.removesuffix("s"), token.key.removesuffix("es")}
    if singulars & lexicon.token_keys:
        return token
    nearest = lexicon.nearest(token.key)
    return replace(token, text=nearest, key=nearest) if nearest else token


@dataclass
class _QueryParser:
    tokens: list[Token]
    lexicon: Lexicon
    terms: list[Term] = field(default_factory=list)
    sentence: list[str] = field(default_factory=list)
    unwanted: list[str] = field(default_factory=list)
    known: int = 0
    unknown: int = 0

    def parse(self) -> ParsedQuery:
        at = 0
        while at < len(self.tokens):
            at = self._parse_at(at)
        while self.terms and self.sentence and self.sentence[-1] in STOP_WORDS:
            self.sentence.pop()  # words that led to a negation: "piano but (not sad)"
        words = self.known + self.unknown
        return ParsedQuery(
            tuple(self.terms),
            " ".join(self.sentence),
            tuple(self.unwanted),
            self.unknown / words if words else 1.0,
        )

    def _parse_at(self, at: int) -> int:
        """Parse what starts at a token; return the position of the next step."""
        negation = self._negation_before(at)
        length, word = self._term_at(at)
        if length > negation:
            return self._parse_term(at, length, word)
        if negation:
            return self._parse_negated(at + negation)
        token = self.tokens[at]
        if stem := self._negated_by_suffix(token):
            self.terms.append(Term(stem, token.text, wanted=False, negated=True))
            return at + 1
        self.unknown += token.key not in STOP_WORDS and token.key not in negation_words.FILLERS
        if not token.unspaced:  # a lone character of an unknown word means nothing to an encoder
            self.sentence.append(token.text)
        return at + 1

    def _parse_term(self, at: int, length: int, word: str) -> int:
        is_negative = self._is_negative_entry(word)
        self._add_wanted(at, length, word, is_negative=is_negative)
        at += length
        after = self._negation_after(at)
        if after:
            self._negate_last(word)
        elif (
            is_negative
            and at < len(self.tokens)
            and self.tokens[at].key in negation_words.CONJUNCTIONS
        ):
            return self._parse_negated(at + 1)
        return at + after

    def _add_wanted(self, at: int, length: int, word: str, *, is_negative: bool) -> None:
        typed = self._typed(at, length)
        self.terms.append(Term(word, typed, negated=is_negative))
        self.known += length
        if not is_negative:
            is_english = self._key(at, length) in self.lexicon.english_keys
            self.sentence.append(typed if is_english else word)

    def _negate_last(self, word: str) -> None:
        """Turn the last term into an unwanted one: a negation follows it."""
        term = self.terms.pop()
        self.terms.append(Term(term.word, term.typed, wanted=False, negated=True))
        if self.sentence and self.sentence[-1] in (word, term.typed):
            self.sentence.pop()

    def _parse_negated(self, at: int) -> int:
        """Parse the terms after a negation; return the position of the next step."""
        while True:
            while at < len(self.tokens) and self.tokens[at].key in negation_words.FILLERS:
                at += 1
            if at == len(self.tokens):
                return at
            length, word = self._term_at(at)
            if length:
                self.terms.append(Term(word, self._typed(at, length), wanted=False, negated=True))
            elif not self.tokens[at].unspaced:
                self.unwanted.append(self.tokens[at].text)
            at += max(1, length)
            if at == len(self.tokens) or self.tokens[at].key not in negation_words.CONJUNCTIONS:
                return at
            at += 1

    def _negated_by_suffix(self, token: Token) -> str:
        """Return the word that a suffix negates, as "drums" in "drumless"; empty if none."""
        for suffix in negation_words.SUFFIXES:
            stem = token.key.removesuffix(suffix)
            if stem != token.key and (word := self._lookup(stem)):
                return word
        return ""

    def _term_at(self, at: int) -> tuple[int, str]:
        """Return number of tokens and word of the longest term at a position; 0 if none."""
        best = (0, "")
        if not self.tokens[at].key:
            return best
        for length in range(min(self.lexicon.max_tokens, len(self.tokens) - at), 0, -1):
            if any(t.after_boundary or not t.key for t in self.tokens[at + 1 : at + length]):
                continue
            key = self._key(at, length)
            if length == 1 and (key in STOP_WORDS or self._is_inside_korean_word(at)):
                continue
            if not best[0] and (word := self.lexicon.foreign_keys.get(key)):
                best = (length, word)
            word = self._english(key)
            if word and length >= best[0]:
                return (length, word)
            if best[0] > length:
                break
        if not best[0] and (word := self._lookup(self.tokens[at].key)):
            best = (1, word)
        return best

    def _lookup(self, key: str) -> str:
        """Return a word by its key, its singular or plural, or without an Arabic article."""
        if key in STOP_WORDS:
            return ""
        for form in (key, key.removesuffix("s"), key.removesuffix("es"), key + "s"):
            word = self._english(form) or self.lexicon.foreign_keys.get(form)
            if len(form) > 2 and word:
                return word
        for article in ("وال", "بال", "لل", "ال", "و", "ب"):
            bare = key.removeprefix(article)
            if bare != key and (word := self.lexicon.foreign_keys.get(bare)):
                return word
        return ""

    def _english(self, key: str) -> str:
        return self.lexicon.english_keys.get(key, "")

    def _negation_before(self, at: int) -> int:
        """Return the number of tokens of a negation that precedes what it negates."""
        if not self.tokens[at].key:
            return 1
        return self._longest_match(negation_words.BEFORE, at)

    def _negation_after(self, at: int) -> int:
        return self._longest_match(negation_words.AFTER, at) if at < len(self.tokens) else 0

    def _longest_match(self, words: frozenset[str], at: int) -> int:
        unspaced = self.tokens[at].unspaced
        for length in range(min(4 if unspaced else 2, len(self.tokens) - at), 0, -1):
            if self._key(at, length) in words:
                return length
        return 0

    def _is_negative_entry(self, word: str) -> bool:
        """Return whether an entry states what is not wanted; the genre "no wave" does not."""
        first, *rest = tokenize(word)
        is_genre = self.lexicon.entries[word].kind == "genre"
        return bool(rest) and first.key in negation_words.BEFORE and not is_genre

    def _is_inside_korean_word(self, at: int) -> bool:
        """Return whether a token is a syllable of a longer word, which seldom is a word itself."""
        if not self.tokens[at].is_hangul:
            return False
        following = self.tokens[at + 1 : at + 2]
        return self.tokens[at].glued or any(token.glued for token in following)

    def _key(self, at: int, length: int) -> str:
        return "".join(token.key for token in self.tokens[at : at + length])

    def _typed(self, at: int, length: int) -> str:
        tokens = self.tokens[at : at + length]
        spaced = (("" if token.unspaced and token.glued else " ") + token.text for token in tokens)
        return "".join(spaced).strip()
