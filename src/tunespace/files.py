"""Write files atomically: readers see the old file or the new one, never a part of it.

That holds after a power failure, too: files are synchronised before they are renamed.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside a path that replaces it when the block ends without an error.

    Args:
        path: Path of the file to write. A link is followed. What is no regular file, such as
            ``/dev/stdout`` or a pipe, is written to and never replaced.

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
    if _is_stream(path):
        with path.open("wb") as file:
            yield file
        return
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _is_stream(path: Path) -> bool:
    """Return whether a path is a device, a pipe or an open file of a process."""
    # They may lead to a regular file, which another process has open.
    if str(path).startswith(("/dev/std", "/dev/fd/", "/proc/")):
        return True
    return path.exists() and not path.is_file() and not path.is_dir()


def is_below(path: str, folder: str) -> bool:
    """Return whether a path is in a folder or in its subfolders."""
    return path.startswith(os.path.join(folder, ""))  # noqa: PTH118 - paths of a library are strings


def is_gone(path: str) -> bool:
    """Return whether there is no such file; False if that cannot be seen now.

    Examples:
        >>> is_gone("music"), is_gone("music/deleted.mp3")
        (False, True)
    """
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def is_writable(folder: Path) -> bool:
    """Return whether files can be created in a folder."""
    return os.access(folder, os.W_OK)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can do that."""
    with suppress(OSError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


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
