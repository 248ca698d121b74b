"""Negation words of sixteen languages, as normalised keys.

Most languages put the negation before the word it negates, some after it; English and Turkish also
have suffixes. A lexicon entry for the whole phrase ("no vocals") takes precedence.
"""

from tunespace.text.normalize import fold

# "no" is Spanish, English and Italian; in Portuguese it means "in the", which is rarer here.
BEFORE = frozenset(
    map(
        fold,
        (
            "no not without non never minus except don't doesn't isn't aren't avoid exclude "  # en
            "sin nada sem não sans pas aucun aucune senza zonder geen niet "  # es pt fr it nl
            "ohne kein keine keinen keiner nicht bez nie utan inte ingen inga "  # de pl sv
            "без не нет بدون بلا ليس tanpa bukan tidak "  # ru ar id
            "没有 沒有 无 無 不要 不是 没 बिना नहीं"  # zh hi
        ).split(),
    )
)

# Japanese, Korean, Turkish, Hindi.
AFTER = frozenset(
    map(
        fold,
        "なし 無し ではない じゃない がない のない 없는 없이 없음 olmadan değil के_बिना".split(),
    )
)

# Suffixes that negate their stem, as normalised keys.
SUFFIXES = ("less", "siz", "suz")  # "drumless"; Turkish vowels lose their dots or gain them

# Words between a negation and the negated word: "without any of the drums", "not too fast".
FILLERS = frozenset(
    map(
        fold,
        "any a an the of too very so much many is be have has contain contains include "
        "de d' des du la le les el los las il lo der "
        "die das den o os um uma to be 的".split(),
    )
)

# Words that continue a negation: "no drums or bass".
CONJUNCTIONS = frozenset(
    map(
        fold,
        ("or nor neither ni oder noch ou nem o né of lub ani eller или ни 或").split(),
    )
)
