"""ParsedQuery a query: its terms, those that it does not want, and the rest as a sentence.

From left to right the longest term wins; English is tried first, then the other languages, unless
a longer term of theirs starts at the same place. What is no word at all may be one with a slip of
the finger.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tunespace.text import negation_words
from tunespace.text.lexicon import STOP_WORDS, Lexicon
from tunespace.text.normalize import Token, tokenize


@dataclass(frozen=True)
class Term:
    """A term of the lexicon that a query holds.

    Attributes:
        word: The word of the lexicon.
        typed: What stands in the query.
        wanted: False where the query says "no ...".
        negated: Whether it says what is not wanted, by a negation before it or of its own ("no
            vocals" is an entry of many lexicons, and wanted).
    """

    word: str
    typed: str
    wanted: bool = True
    negated: bool = False


@dataclass(frozen=True)
class ParsedQuery:
    """What was understood.

    Attributes:
        terms: In order.
        sentence: What a sentence encoder should read: English where the lexicon translates, and
            without what is not wanted; empty where nothing is left.
        unwanted: Words after a negation that the lexicon lacks; only an encoder can place them.
        unknown_share: Share of the words of the sentence that are in no term, 0..1; words that say
            nothing about music ("a song with") do not count.
        slips: What was typed and what it was read as, where these differ by a slip of the finger.
    """

    terms: tuple[Term, ...]
    sentence: str
    unwanted: tuple[str, ...] = ()
    unknown_share: float = 1.0
    slips: tuple[tuple[str, str], ...] = ()


def parse_query(
    query: str, lexicon: Lexicon, is_word: Callable[[str], bool] | None = None
) -> ParsedQuery:
    """Reads a query.

    Args:
        query: As it was typed.
        lexicon: Whose terms are found.
        is_word: Whether anybody ever writes such a word; what nobody does is read as the nearest
            word of the lexicon. Without it every word counts as meant.
    """
    found = tokenize(query)
    if is_word is None:
        return _QueryParser(found, lexicon).parse_query()
    meant = [_correct_spelling(token, lexicon, is_word) for token in found]
    slips = [(t.text, m.text) for t, m in zip(found, meant, strict=True) if t.text != m.text]
    return replace(_QueryParser(meant, lexicon).parse_query(), slips=tuple(slips))


def _correct_spelling(token: Token, lexicon: Lexicon, is_word: Callable[[str], bool]) -> Token:
    """The token without the slip of the finger that it has."""
    if not token.key or token.key in STOP_WORDS or is_word(token.text):
        return token
    if {token.key, token.key.removesuffix("s"), token.key.removesuffix("es")} & lexicon.parts:
        return token
    meant = lexicon.nearest(token.key)
    return replace(token, text=meant, key=meant) if meant else token


@dataclass
class _QueryParser:
    tokens: list[Token]
    lexicon: Lexicon
    terms: list[Term] = field(default_factory=list)
    sentence: list[str] = field(default_factory=list)
    unwanted: list[str] = field(default_factory=list)
    understood: int = 0
    missed: int = 0

    def parse_query(self) -> ParsedQuery:
        at = 0
        while at < len(self.tokens):
            at = self._step(at)
        while self.terms and self.sentence and self.sentence[-1] in STOP_WORDS:
            self.sentence.pop()  # what led up to a negation: "piano but (not sad)"
        words = self.understood + self.missed
        return ParsedQuery(
            tuple(self.terms),
            " ".join(self.sentence),
            tuple(self.unwanted),
            self.missed / words if words else 1.0,
        )

    def _step(self, at: int) -> int:
        """Reads what starts at a token; returns where the next step starts."""
        negated = self._negation_at(at)
        length, word = self._term_at(at)
        if length > negated:
            refusal = self._is_negative_entry(word)
            self._add_wanted(at, length, word, said=not refusal)
            at += length
            if behind := self._negation_behind(at):
                self._negate_last(word)
            elif (
                refusal
                and at < len(self.tokens)
                and self.tokens[at].key in negation_words.CONJUNCTIONS
            ):
                return self._parse_negated(at + 1)
            return at + behind
        if negated:
            return self._parse_negated(at + negated)
        token = self.tokens[at]
        for ending in negation_words.SUFFIXES:
            stem = token.key.removesuffix(ending)
            if stem != token.key and (stemmed := self._lookup(stem)):
                self.terms.append(Term(stemmed, token.text, wanted=False, negated=True))
                return at + 1
        self.missed += token.key not in STOP_WORDS and token.key not in negation_words.FILLERS
        if not token.unspaced:  # a lone character of an unknown word says nothing to an encoder
            self.sentence.append(token.text)
        return at + 1

    def _add_wanted(self, at: int, length: int, word: str, *, said: bool) -> None:
        typed = self._typed(at, length)
        self.terms.append(Term(word, typed, negated=not said))
        self.understood += length
        if said:
            english = self._key(at, length) in self.lexicon.english_keys
            self.sentence.append(typed if english else word)

    def _negate_last(self, word: str) -> None:
        """A negation stood behind the term."""
        term = self.terms.pop()
        self.terms.append(Term(term.word, term.typed, wanted=False, negated=True))
        if self.sentence and self.sentence[-1] in (word, term.typed):
            self.sentence.pop()

    def _parse_negated(self, at: int) -> int:
        """Reads what a negation refuses, from the token behind it."""
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

    def _term_at(self, at: int) -> tuple[int, str]:
        """The longest term that starts here: its tokens (0 where there is none) and its word."""
        best = (0, "")
        if not self.tokens[at].key:
            return best
        for length in range(min(self.lexicon.longest, len(self.tokens) - at), 0, -1):
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
        """A word by its key, by its other number, or by what an Arabic article stands before."""
        if key in STOP_WORDS:
            return ""
        for form in (key, key.removesuffix("s"), key.removesuffix("es"), key + "s"):
            if len(form) > 2 and (
                word := self._english(form) or self.lexicon.foreign_keys.get(form)
            ):
                return word
        for article in ("وال", "بال", "لل", "ال", "و", "ب"):
            bare = key.removeprefix(article)
            if bare != key and (word := self.lexicon.foreign_keys.get(bare)):
                return word
        return ""

    def _english(self, key: str) -> str:
        return self.lexicon.english_keys.get(key, "")

    def _negation_at(self, at: int) -> int:
        """How many tokens make a negation that stands before what it negates."""
        if not self.tokens[at].key:
            return 1
        return self._longest_match(negation_words.BEFORE, at)

    def _negation_behind(self, at: int) -> int:
        return self._longest_match(negation_words.AFTER, at) if at < len(self.tokens) else 0

    def _longest_match(self, words: frozenset[str], at: int) -> int:
        unspaced = self.tokens[at].unspaced
        for length in range(min(4 if unspaced else 2, len(self.tokens) - at), 0, -1):
            if self._key(at, length) in words:
                return length
        return 0

    def _is_negative_entry(self, word: str) -> bool:
        """Whether an entry itself says what is not wanted; the genre "no wave" does not."""
        first, *rest = tokenize(word)
        is_genre = self.lexicon.entries[word].kind == "genre"
        return bool(rest) and first.key in negation_words.BEFORE and not is_genre

    def _is_inside_korean_word(self, at: int) -> bool:
        """One syllable inside a longer word is seldom the word of one syllable."""
        if not self.tokens[at].is_hangul:
            return False
        following = self.tokens[at + 1 : at + 2]
        return self.tokens[at].glued or any(token.glued for token in following)

    def _key(self, at: int, length: int) -> str:
        return "".join(token.key for token in self.tokens[at : at + length])

    def _typed(self, at: int, length: int) -> str:
        parts = self.tokens[at : at + length]
        spaced = (("" if token.unspaced and token.glued else " ") + token.text for token in parts)
        return "".join(spaced).strip()
