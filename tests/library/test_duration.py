import pytest

from tunespace.library.duration import format_duration


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0:00"), (9.9, "0:09"), (61, "1:01"), (3599, "59:59"), (7265, "2:01:05")],
)
def test_durations_are_formatted_as_in_players(seconds: float, shown: str) -> None:
    assert format_duration(seconds) == shown
