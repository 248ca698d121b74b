"""Exceptions that tunespace raises for errors of use: one sentence with cause, place and remedy."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

_MAX_SHOWN_PROBLEMS = 100


class TunespaceError(Exception):
    """Base class of all errors of use; the message can be shown to a user as it is."""


class AudioError(TunespaceError):
    """File that contains no readable audio.

    Attributes:
        path: Path of the file.
        reason: Cause, as a clause without the name of the file.
        is_transient: Whether the cause is not the content of the file: it may be readable later.
    """

    def __init__(self, path: Path, reason: str, *, is_transient: bool = False) -> None:
        """Create the message from ``path`` and ``reason``."""
        self.path = path
        self.reason = reason
        self.is_transient = is_transient
        # Names that are not UTF-8 contain lone surrogates, which no terminal can print, and a line
        # break would make two lines of the message.
        shown = str(path).encode("utf-8", "backslashreplace").decode("utf-8")
        shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown)
        super().__init__(f"{shown}: {reason}")

    def __reduce__(self) -> tuple[Callable[..., "AudioError"], tuple[Path, str]]:
        """Make the error picklable, so that a worker process can return it."""
        return partial(AudioError, is_transient=self.is_transient), (self.path, self.reason)


class ModelError(TunespaceError):
    """Model folder that is missing or not valid."""


class QueryError(TunespaceError):
    """Query that is not valid."""


class LibraryError(TunespaceError):
    """Library that cannot be opened, read or written."""


class IncompatibleLibraryError(LibraryError):
    """Library of a newer version, or database of another program."""


class NoLibraryError(LibraryError):
    """Folder without a library, or with one that has no tracks yet."""


class DataError(TunespaceError):
    """Data set or manifest that is not valid.

    Attributes:
        problems: All problems, each with its place, found before any work starts.
    """

    def __init__(self, problems: "list[str]") -> None:
        """Create the message: one line for each problem."""
        self.problems = problems
        shown = problems[:_MAX_SHOWN_PROBLEMS]
        more = len(problems) - len(shown)
        lines = shown if not more else [*shown, f"and {more:,} more"]
        super().__init__(
            "\n  ".join(lines if len(lines) == 1 else ["the data is not valid:", *lines])
        )


class TrainingError(TunespaceError):
    """Recipe or training run that is not valid."""
