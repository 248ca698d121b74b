"""Which files of a folder are music.

Hidden files and folders are passed over, and so are symbolic links: one that leads out of the
folder must not be followed, and one that stays inside would find the same music twice.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tunespace.errors import LibraryError

# What people keep music in; any other file can still be indexed by its own name.
SUFFIXES = frozenset(
    ".aac .aif .aifc .aiff .ape .caf .flac .m4a .m4b .mka .mp2 .mp3 .mp4 .mpc .oga .ogg .opus .spx "
    ".tta .wav .wave .webm .wma .wv".split()
)


@dataclass(frozen=True)
class ScannedFile:
    """A file that may hold music.

    Attributes:
        path: Absolute.
        size: In bytes.
        mtime_ns: Time of the last change, in nanoseconds.
    """

    path: str
    size: int
    mtime_ns: int


def scan(
    root: Path, excluded_rows: Callable[[str], bool] = lambda _: False
) -> Iterator[ScannedFile]:
    """Finds the music under a folder, in the order of names; or the one file that is named.

    Args:
        root: A folder, or a file.
        excluded_rows: Asked for every file and every folder (its path ends with a separator) below it.

    Raises:
        LibraryError: ``root`` does not exist or cannot be read.
    """
    try:
        if root.is_file():
            yield _scanned_file(os.path.realpath(root))
            return
        if not root.exists():
            raise LibraryError(f"{root} does not exist")
        os.listdir(root)
    except PermissionError as error:
        raise LibraryError(f"{root} may not be read: permission denied") from error
    # The folder itself may be a link: it was named on purpose.
    for folder, folders, files in os.walk(os.path.realpath(root)):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and not excluded_rows(os.path.join(folder, name, ""))
        )
        for name in sorted(files):
            path = os.path.join(folder, name)
            if name.startswith(".") or os.path.splitext(name)[1].lower() not in SUFFIXES:
                continue
            if not os.path.islink(path) and not excluded_rows(path):
                try:
                    yield _scanned_file(path)
                except OSError:  # gone between the listing and now
                    continue


def _scanned_file(path: str) -> ScannedFile:
    status = os.stat(path)
    return ScannedFile(path, status.st_size, status.st_mtime_ns)
