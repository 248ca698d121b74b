"""Write files atomically: readers see the old file or the new one, never a part of it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside a path that replaces it when the block ends without an error.

    Args:
        path: Path of the file to write.

    Raises:
        OSError: The file cannot be written; an existing file is kept.

    Examples:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "figures.json"
        >>> with replacing(path) as file:
        ...     _ = file.write(b"{}")
        >>> path.read_text()
        '{}'
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with temporary.open("wb") as file:
            yield file
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def write_text(path: Path, text: str, *, errors: str = "strict") -> None:
    """Write text as UTF-8, atomically.

    Args:
        path: Path of the file to write.
        text: Content.
        errors: How to encode lone surrogates, as in ``str.encode``.

    Raises:
        OSError: The file cannot be written; an existing file is kept.
    """
    with replacing(path) as file:
        file.write(text.encode("utf-8", errors))
