"""The few errors a user can meet: each message is one sentence with what, where and the mend."""

from pathlib import Path

_SHOWN_PROBLEMS = 100


class TunespaceError(Exception):
    """Everything that tunespace raises on purpose; its text can be shown to a user as it is."""


class AudioError(TunespaceError):
    """A file that no music can be read from.

    Attributes:
        path: The file.
        reason: Why, as a clause without the file's name; it goes into reports and the store.
    """

    def __init__(self, path: Path, reason: str) -> None:
        """Builds the sentence from ``path`` and ``reason``."""
        self.path = path
        self.reason = reason
        # Names that are not UTF-8 reach Python as lone surrogates, which no terminal can print.
        shown = str(path).encode("utf-8", "backslashreplace").decode("utf-8")
        super().__init__(f"{shown}: {reason}")

    def __reduce__(self) -> tuple[type["AudioError"], tuple[Path, str]]:
        """Lets the error cross from a worker process to its parent."""
        return AudioError, (self.path, self.reason)


class ModelError(TunespaceError):
    """A folder that cannot be used as a model."""


class QueryError(TunespaceError):
    """A query that cannot be answered as it stands."""


class LibraryError(TunespaceError):
    """A library that cannot be opened or written as it stands."""


class DataError(TunespaceError):
    """Data to judge or train with that cannot be used as it stands.

    Attributes:
        problems: All that is wrong, each with its place; found before any work is done.
    """

    def __init__(self, problems: "list[str]") -> None:
        """Builds the message: a line for each problem."""
        self.problems = problems
        shown = problems[:_SHOWN_PROBLEMS]
        more = len(problems) - len(shown)
        lines = shown if not more else [*shown, f"and {more:,} more of the kind"]
        super().__init__("\n  ".join(lines if len(lines) == 1 else ["the data is wrong:", *lines]))


class TrainingError(TunespaceError):
    """A recipe or a run that cannot be trained as it stands."""
