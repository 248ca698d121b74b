"""Lengths and places in a track, as players show them."""


def format_duration(seconds: float) -> str:
    """``m:ss``, or ``h:mm:ss`` of an hour and more."""
    whole = int(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
