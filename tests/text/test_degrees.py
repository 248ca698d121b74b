import re

import pytest

from tunespace.text import degrees


@pytest.mark.parametrize(
    ("pattern", "text", "rest"),
    [
        (degrees.LESS, "less of guitar", "guitar"),
        (degrees.LESS, "-guitar", "guitar"),
        (degrees.LESS, "moins d'orgue", "orgue"),
        (degrees.LESS, "daha az gitar", "gitar"),
        (degrees.MORE, "plus d'orgue", "orgue"),
        (degrees.MORE, "больше пианино", "пианино"),
        (degrees.LITTLE, "ein bisschen ruhiger", "ruhiger"),
        (degrees.MUCH, "очень тихо", "тихо"),
        (degrees.MUCH, "molto veloce", "veloce"),
        # Part of a word is none, and a word alone says of nothing that there is more of it.
        (degrees.LESS, "lessons", "lessons"),
        (degrees.MORE, "morel", "morel"),
        (degrees.MORE, "plus", "plus"),
    ],
)
def test_what_stands_before(pattern: re.Pattern[str], text: str, rest: str) -> None:
    assert pattern.sub("", text) == rest


def test_what_stands_behind() -> None:
    assert degrees.LESS_BEHIND.sub("", "드럼 없이") == "드럼"
    assert degrees.LITTLE_BEHIND.sub("", "安静一点") == "安静"
    assert degrees.PLEASE.sub("", "ruhiger bitte") == "ruhiger"


def test_and_cuts_where_another_remark_begins() -> None:
    assert degrees.AND.split("plus calme et sans batterie") == ["plus calme", "sans batterie"]
    assert degrees.AND.split("drum et bass") == ["drum et bass"]
