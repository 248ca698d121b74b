from pathlib import Path

import pytest

from tunespace.text import Lexicon, parse_query
from tunespace.text.lexicon import Entry

LEXICON = """word	kind	description	concepts
piano	instrument	keys	piano:3
jazz	genre	swing	jazz:3
jazz piano	instrument	swing on keys	jazz:2,piano:2
hip hop	genre	beats and rap	hiphop:3
warm	sound	soft and round	soft:2
sad	mood	low	sad:3
drums	instrument	kit	drums:3
bass guitar	instrument	low strings	bass:3
vocals	vocal	singing	vocals:3
no vocals	vocal	instruments only	vocals:-3
no wave	genre	noise	punk:2
r&b	genre	smooth	rnb:3
guitar	instrument	strings	guitar:3
80s	era	gated drums	s80:3
crying	mood	in tears	sad:3
cello	instrument	low bow	cello:3
"""
LANGUAGES = """triste	es	sad
música	es	jazz
sin voz	es	no vocals
traurig	de	sad
悲伤	zh	sad
钢琴	zh	piano
悲しい	ja	sad
ピアノ	ja	piano
ボーカル	ja	vocals
슬픈	ko	sad
피아노	ko	piano
보컬	ko	vocals
북	ko	drums
грустный	ru	sad
пианино	ru	piano
piyano	tr	piano
davul	tr	drums
उदास	hi	sad
ड्रम	hi	drums
حزينة	ar	sad
بيانو	ar	piano
chitarra	it	guitar
"""


@pytest.fixture(scope="module")
def lexicon(tmp_path_factory: pytest.TempPathFactory) -> Lexicon:
    folder = tmp_path_factory.mktemp("lexicon")
    (folder / "lexicon.tsv").write_text(LEXICON, encoding="utf-8")
    (folder / "languages.tsv").write_text(LANGUAGES, encoding="utf-8")
    return Lexicon.load(folder / "lexicon.tsv", folder / "languages.tsv")


def terms(query: str, lexicon: Lexicon) -> list[str]:
    return [("" if t.wanted else "-") + t.word for t in parse_query(query, lexicon).terms]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("piano", ["piano"]),
        ("warm jazz piano", ["warm", "jazz piano"]),
        ("jazz, piano", ["jazz", "piano"]),
        ("Hip-Hop", ["hip hop"]),
        ("HIPHOP", ["hip hop"]),
        ("hip hop", ["hip hop"]),
        ("some R&B songs", ["r&b"]),
        ("guitars", ["guitar"]),
        ("the 80's", ["80s"]),
        ("a song", []),
        ("", []),
        ("!?,;", []),
    ],
)
def test_the_longest_terms_are_found(query: str, expected: list[str], lexicon: Lexicon) -> None:
    assert terms(query, lexicon) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("no vocals", ["no vocals"]),
        ("without drums", ["-drums"]),
        ("piano but not sad", ["piano", "-sad"]),
        ("piano, not too sad", ["piano", "-sad"]),
        ("guitar -drums", ["guitar", "-drums"]),
        ("hip-hop", ["hip hop"]),
        ("no drums or bass guitar", ["-drums", "-bass guitar"]),
        ("no vocals or drums", ["no vocals", "-drums"]),
        ("drumless jazz", ["-drums", "jazz"]),
        ("no wave", ["no wave"]),
        ("non-vocal piano", ["-vocals", "piano"]),
        ("it doesn't have drums", ["-drums"]),
    ],
)
def test_negations_apply_to_the_term_after_them(
    query: str, expected: list[str], lexicon: Lexicon
) -> None:
    assert terms(query, lexicon) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("musica triste", ["jazz", "sad"]),
        ("MÚSICA sin voz", ["jazz", "no vocals"]),
        ("sin piano", ["-piano"]),
        ("traurig ohne Schlagzeug", ["sad"]),
        ("悲伤的钢琴", ["sad", "piano"]),
        ("没有钢琴", ["-piano"]),
        ("悲しいピアノ ボーカルなし", ["sad", "piano", "-vocals"]),
        ("슬픈 피아노로 된 노래", ["sad", "piano"]),
        ("보컬 없는 피아노", ["-vocals", "piano"]),
        ("북", ["drums"]),
        ("북극", []),
        ("грустное пианино", ["sad", "piano"]),
        ("без пианино", ["-piano"]),
        ("davulsuz", ["-drums"]),
        ("davul olmadan piyano", ["-drums", "piano"]),
        ("ड्रम के बिना", ["-drums"]),
        ("बिना ड्रम", ["-drums"]),
        ("حزينة بدون بيانو", ["sad", "-piano"]),
        ("البيانو", ["piano"]),
        ("senza chitarra", ["-guitar"]),
    ],
)
def test_other_languages_give_the_same_terms(
    query: str, expected: list[str], lexicon: Lexicon
) -> None:
    assert terms(query, lexicon) == expected


def test_the_sentence_is_english_and_without_negated_terms(lexicon: Lexicon) -> None:
    assert parse_query("warm piano at dawn, no vocals", lexicon).sentence == "warm piano at dawn"
    assert parse_query("traurig mit Cello", lexicon).sentence == "sad mit cello"
    assert parse_query("ボーカルなし ピアノ", lexicon).sentence == "piano"
    assert parse_query("piano but not sad", lexicon).sentence == "piano"


@pytest.mark.parametrize(
    ("query", "share"),
    [("warm piano", 0), ("a song with piano", 0), ("piano at dawn", 2 / 3), ("kazoo", 1), ("", 1)],
)
def test_unknown_share_is_the_fraction_of_uncovered_words(
    query: str, share: float, lexicon: Lexicon
) -> None:
    assert parse_query(query, lexicon).unknown_share == pytest.approx(share)


def test_a_genre_with_a_negation_prefix_is_not_negated(lexicon: Lexicon) -> None:
    assert parse_query("no wave", lexicon).sentence == "no wave"


def test_unknown_negated_words_are_returned_separately(lexicon: Lexicon) -> None:
    reading = parse_query("jazz without kazoo", lexicon)
    assert reading.unwanted == ("kazoo",)
    assert reading.sentence == "jazz"


def test_an_emoji_is_read_by_its_name(lexicon: Lexicon) -> None:
    assert terms("😢", lexicon) == ["crying"]


def test_a_query_of_ten_thousand_words_is_parsed(lexicon: Lexicon) -> None:
    reading = parse_query("warm piano without drums " * 2500, lexicon)
    assert len(reading.terms) == 7500


@pytest.mark.parametrize("row", ["piano\tinstrument\n", "piano\ta\tb\tjazz:1\tmore\n", "piano\n"])
def test_a_row_that_cannot_be_read_is_named(row: str, tmp_path: Path) -> None:
    path = tmp_path / "lexicon.tsv"
    path.write_text("word\tkind\tdescription\tconcepts\n" + row)
    with pytest.raises(ValueError, match=r"invalid row.*piano"):
        Lexicon.load(path)


def test_a_table_of_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lexicon.tsv"
    path.write_text("word\tmeaning\n")
    with pytest.raises(ValueError, match="meaning"):
        Lexicon.load(path)


def test_weights_are_parsed_on_access(lexicon: Lexicon, tmp_path: Path) -> None:
    assert lexicon.entries["jazz piano"].concepts == {"jazz": 2, "piano": 2}
    path = tmp_path / "lexicon.tsv"
    path.write_text("word\tkind\tdescription\tconcepts\npiano\ta\tb\tpiano:much\n")
    with pytest.raises(ValueError, match="much"):
        _ = Lexicon.load(path).entries["piano"].concepts


def test_a_word_without_a_lexicon_entry_is_named(tmp_path: Path) -> None:
    (tmp_path / "lexicon.tsv").write_text(LEXICON, encoding="utf-8")
    (tmp_path / "languages.tsv").write_text("Flöte\tde\tflute\n", encoding="utf-8")
    with pytest.raises(ValueError, match="flute"):
        Lexicon.load(tmp_path / "lexicon.tsv", tmp_path / "languages.tsv")


def test_an_unknown_word_is_corrected_to_the_nearest_lexicon_word(lexicon: Lexicon) -> None:
    def is_word(word: str) -> bool:
        return word in ("guilty", "pianos", "and")

    reading = parse_query("sad guittar and no drumms", lexicon, is_word)
    assert [("" if t.wanted else "-") + t.word for t in reading.terms] == [
        "sad",
        "guitar",
        "-drums",
    ]
    assert reading.corrections == (("guittar", "guitar"), ("drumms", "drums"))
    assert reading.sentence == "sad guitar"
    assert reading.unknown_share == 0


def test_a_misspelled_term_of_several_words_is_corrected(lexicon: Lexicon) -> None:
    reading = parse_query("no vocalls", lexicon, lambda word: word == "no")
    assert [t.word for t in reading.terms] == ["no vocals"]
    assert reading.corrections == (("vocalls", "vocals"),)


@pytest.mark.parametrize(
    "query", ["guilty", "jaz", "zither", "pinao2", "xello", "guitars", "piyano"]
)
def test_known_words_are_not_corrected(query: str, lexicon: Lexicon) -> None:
    assert parse_query(query, lexicon, lambda word: word == "guilty").corrections == ()


def test_without_a_vocabulary_nothing_is_corrected(lexicon: Lexicon) -> None:
    assert parse_query("guittar", lexicon).terms == ()
    assert parse_query("guittar", lexicon).unknown_share == 1


def test_an_ambiguous_typing_error_is_not_corrected() -> None:
    lexicon = Lexicon({word: Entry(word, "mood", "", "") for word in ("canter", "cantor")}, {})
    assert lexicon.nearest("cantr") == ""
    assert lexicon.nearest("canterr") == "canter"
