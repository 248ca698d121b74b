"""Format durations and positions in a track."""


def format_duration(seconds: float) -> str:
    """Return seconds as ``m:ss``, or ``h:mm:ss`` from one hour on.

    Examples:
        >>> format_duration(83.4), format_duration(3661)
        ('1:23', '1:01:01')
    """
    whole = int(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
