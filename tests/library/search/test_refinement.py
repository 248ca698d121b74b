import pytest

from tunespace.library import Text, TrackRef
from tunespace.library.search.refinement import refine
from tunespace.models import load_model

SHOWN = [11, 22, 33, 44]


def read(remark: str) -> list[tuple[object, float]]:
    lexicon_vectors = load_model().lexicon_vectors
    assert lexicon_vectors is not None
    found = refine(remark, SHOWN, lexicon_vectors.lexicon)
    return [
        (term.value.text if isinstance(term.value, Text) else term.value, term.weight)
        for term in found.terms
    ]


@pytest.mark.parametrize(
    ("remark", "expected"),
    [
        ("calmer", [("calm", 0.5)]),
        ("Happier!", [("happy", 0.5)]),
        ("make it much darker", [("dark", 1.0)]),
        ("sadder", [("sad", 0.5)]),
        ("a little more energetic", [("energetic", 0.3)]),
        ("more piano", [("piano", 0.5)]),
        ("without drums", [("drums", -0.5)]),
        ("less guitar please", [("guitar", -0.5)]),
        ("no vocals", [("vocals", -0.5)]),
        ("not so loud", [("loud", -0.5)]),
        ("calmer and without drums", [("calm", 0.5), ("drums", -0.5)]),
        ("more drum and bass", [("drum and bass", 0.5)]),
        ("more like the second one", [(TrackRef(22), 0.5)]),
        ("like the 3rd", [(TrackRef(33), 0.5)]),
        ("much more like number 4", [(TrackRef(44), 1.0)]),
        ("less like the first", [(TrackRef(11), -0.5)]),
        ("unlike the last one", [(TrackRef(44), -0.5)]),
        ("similar to the ninth one", [("the ninth one", 0.5)]),
        ("like Nina Simone", [("nina simone", 0.5)]),
        ("one drop", [("one drop", 0.5)]),
    ],
)
def test_a_remark_changes_the_query(remark: str, expected: list[tuple[object, float]]) -> None:
    assert read(remark) == expected


@pytest.mark.parametrize(
    ("remark", "expected"),
    [
        ("más tranquilo", [("tranquilo", 0.5)]),
        ("sin batería", [("batería", -0.5)]),
        ("un poco menos triste", [("triste", -0.3)]),
        ("mais calma e sem bateria", [("calma", 0.5), ("bateria", -0.5)]),
        ("plus calme et sans batterie", [("calme", 0.5), ("batterie", -0.5)]),
        ("beaucoup moins de guitare", [("guitare", -1.0)]),
        ("un peu plus calme", [("calme", 0.3)]),
        ("plus d'énergie", [("énergie", 0.5)]),
        ("più veloce", [("veloce", 0.5)]),
        ("meno chitarra", [("chitarra", -0.5)]),
        ("ruhiger", [("ruhig", 0.5)]),
        ("dunkler", [("dunkel", 0.5)]),
        ("noch langsamer bitte", [("langsam", 1.0)]),
        ("viel schneller", [("schnell", 1.0)]),
        ("weniger Gitarre und mehr Klavier", [("gitarre", -0.5), ("klavier", 0.5)]),
        ("rustiger", [("rustig", 0.5)]),
        ("zonder drums", [("drums", -0.5)]),
        ("lugnare", [("lugn", 0.5)]),
        ("mindre gitarr", [("gitarr", -0.5)]),
        ("bez perkusji", [("perkusji", -0.5)]),
        ("daha az gitar", [("gitar", -0.5)]),
        ("daha hızlı", [("hızlı", 0.5)]),
        ("lebih cepat", [("cepat", 0.5)]),
        ("спокойнее", [("спокойнее", 0.5)]),
        ("больше пианино", [("пианино", 0.5)]),
        ("немного меньше ударных", [("ударных", -0.3)]),
        ("もっと静か", [("静か", 0.5)]),
        ("ドラムなしで", [("ドラム", -0.5)]),
        ("ギター少なめ", [("ギター", -0.5)]),
        ("更安静一点", [("安静", 0.3)]),
        ("不要鼓", [("鼓", -0.5)]),
        ("더 조용한", [("조용한", 0.5)]),
        ("드럼 없이", [("드럼", -0.5)]),
        ("أقل حزن", [("حزن", -0.5)]),
        ("कम गिटार", [("गिटार", -0.5)]),
    ],
)
def test_a_remark_in_other_languages(remark: str, expected: list[tuple[object, float]]) -> None:
    assert read(remark) == expected


@pytest.mark.parametrize(
    ("remark", "where"),
    [
        ("after 1990", "year >= 1990"),
        ("only from the 90s", "year >= 1990 and year <= 1999"),
        ("from the 2010s", "year >= 2010 and year <= 2019"),
        ("calmer, before 1980", "year <= 1980"),
        ("calmer", ""),
    ],
)
def test_years_become_a_filter(remark: str, where: str) -> None:
    lexicon_vectors = load_model().lexicon_vectors
    assert lexicon_vectors is not None
    assert refine(remark, SHOWN, lexicon_vectors.lexicon).where == where


@pytest.mark.parametrize("remark", ["", " , and ", "...", "without", "more", "like", "\0"])
def test_any_remark_is_parsed(remark: str) -> None:
    refine(remark, [], None)
