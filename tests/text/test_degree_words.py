import re

import pytest

from tunespace.text import degree_words


@pytest.mark.parametrize(
    ("pattern", "text", "rest"),
    [
        (degree_words.LESS, "less of guitar", "guitar"),
        (degree_words.LESS, "-guitar", "guitar"),
        (degree_words.LESS, "moins d'orgue", "orgue"),
        (degree_words.LESS, "daha az gitar", "gitar"),
        (degree_words.MORE, "plus d'orgue", "orgue"),
        (degree_words.MORE, "больше пианино", "пианино"),
        (degree_words.LITTLE, "ein bisschen ruhiger", "ruhiger"),
        (degree_words.MUCH, "очень тихо", "тихо"),
        (degree_words.MUCH, "molto veloce", "veloce"),
        # Part of a word is none, and a word alone says of nothing that there is more of it.
        (degree_words.LESS, "lessons", "lessons"),
        (degree_words.MORE, "morel", "morel"),
        (degree_words.MORE, "plus", "plus"),
    ],
)
def test_degree_words_before_the_subject(pattern: re.Pattern[str], text: str, rest: str) -> None:
    assert pattern.sub("", text) == rest


def test_degree_words_after_the_subject() -> None:
    assert degree_words.LESS_BEHIND.sub("", "드럼 없이") == "드럼"
    assert degree_words.LITTLE_BEHIND.sub("", "安静一点") == "安静"
    assert degree_words.PLEASE.sub("", "ruhiger bitte") == "ruhiger"


def test_and_separates_two_remarks() -> None:
    assert degree_words.AND.split("plus calme et sans batterie") == ["plus calme", "sans batterie"]
    assert degree_words.AND.split("drum et bass") == ["drum et bass"]
