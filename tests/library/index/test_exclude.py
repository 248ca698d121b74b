import unicodedata

import pytest

from tunespace.library.index.exclude import ExcludePatterns


def excluded(patterns: list[str], path: str) -> bool:
    return ExcludePatterns(patterns, ["/music"])(f"/music/{path}")


@pytest.mark.parametrize(
    ("patterns", "path", "expected"),
    [
        (["#recycle/"], "#recycle/", True),
        (["!!!/"], "!!!/", True),
        (["a/", "!!!/"], "!!!/", True),
        (["!x.mp3"], "!x.mp3", True),
        (["*.mp3", "!keep.mp3"], "keep.mp3", False),
        (["*.mp3", "!keep.mp3"], "other.mp3", True),
        ([r"\#recycle/"], "#recycle/", True),
        ([], "a.mp3", False),
    ],
)
def test_signs_of_names_are_no_syntax(patterns: list[str], path: str, *, expected: bool) -> None:
    assert excluded(patterns, path) == expected


def test_accents_may_be_written_in_both_ways() -> None:
    forms = [unicodedata.normalize("NFC", "Café/"), unicodedata.normalize("NFD", "Café/")]
    for pattern in forms:
        assert [excluded([pattern], name) for name in forms] == [True, True]
