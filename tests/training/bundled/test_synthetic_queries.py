import random

from tunespace.text.lexicon import Entry
from tunespace.training.bundled.synthetic_queries import pieces, synthetic_queries, with_typo

ENTRIES = [
    Entry("gloomy", "mood", "slow minor chords, low voices in the dark", "sad:2"),
    Entry("hopeful", "mood", "bright piano that rises, and strings", "happy:1"),
    Entry("doom metal", "genre", "heavy crawling guitars", "metal:3"),
    Entry("cello", "instrument", "deep bowed strings", "cello:3"),
]


def test_every_word_comes_bare_described_and_once_more() -> None:
    texts = synthetic_queries(ENTRIES, 0, 0)
    assert [text.text for text in texts[:4]] == [entry.word for entry in ENTRIES]
    assert [text.text for text in texts[4:8]] == [entry.description for entry in ENTRIES]
    once_more = texts[8:]
    assert [text.words for text in once_more if text.words[0] in text.text] == [
        (entry.word,) for entry in ENTRIES
    ]
    slips = [text for text in once_more if text.words[0] not in text.text]
    assert [text.words[0] for text in slips] == ["gloomy", "hopeful", "doom metal"]


def test_combinations_name_their_words() -> None:
    known = {entry.word for entry in ENTRIES}
    texts = synthetic_queries(ENTRIES, 200, 0)[15:]
    assert len(texts) == 200
    for text in texts:
        assert set(text.words) <= known
        assert all(word in text.text for word in text.words)
        assert "{" not in text.text
    assert max(len(text.words) for text in texts) > 2
    assert synthetic_queries(ENTRIES, 50, 1) == synthetic_queries(ENTRIES, 50, 1)
    assert synthetic_queries(ENTRIES, 50, 1) != synthetic_queries(ENTRIES, 50, 2)


def test_a_typing_error_changes_one_letter() -> None:
    draw = random.Random(0)  # noqa: S311 - no secret
    slips = {with_typo("gloomy", draw) for _ in range(60)}
    assert {"glomy", "golomy", "glloomy"} & slips
    assert all(abs(len(slip) - 6) <= 1 for slip in slips)


def test_pieces_come_from_descriptions_and_are_not_lexicon_words() -> None:
    found = pieces([*ENTRIES, Entry("and strings", "sound", "x", "cello:1")], 0)
    assert "slow minor chords" in found
    assert "and strings" not in found
    assert found == sorted(set(found))
