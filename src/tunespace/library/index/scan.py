"""Scan folders for audio files.

Hidden files and folders are skipped, and so are symbolic links: one that leads out of the folder
must not be followed, and one that stays inside would add the same music twice.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tunespace.errors import LibraryError

# Suffixes of audio files; a file with any other suffix can be indexed by naming it.
SUFFIXES = frozenset(
    ".aac .aif .aifc .aiff .ape .caf .flac .m4a .m4b .mka .mp2 .mp3 .mp4 .mpc .oga .ogg .opus .spx "
    ".tta .wav .wave .webm .wma .wv".split()
)


@dataclass(frozen=True)
class ScannedFile:
    """Candidate for an audio file.

    Attributes:
        path: Absolute path.
        size: Size in bytes.
        mtime_ns: Modification time in nanoseconds.
    """

    path: str
    size: int
    mtime_ns: int


def scan(root: Path, is_excluded: Callable[[str], bool] = lambda _: False) -> Iterator[ScannedFile]:
    """Yield the audio files in a folder in the order of their names, or a single file.

    Args:
        root: Folder or file.
        is_excluded: Called with the path of every file and every folder (with a separator at the
            end) in ``root``; True leaves it out.

    Raises:
        LibraryError: ``root`` does not exist or is not readable.
    """
    try:
        if root.is_file():
            yield _scanned_file(os.path.realpath(root))
            return
        if not root.exists():
            raise LibraryError(f"{root} does not exist")
        os.listdir(root)
    except PermissionError as error:
        raise LibraryError(f"{root} is not readable: permission denied") from error
    # The root itself may be a link: the user named it.
    for folder, folders, files in os.walk(os.path.realpath(root)):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and not is_excluded(os.path.join(folder, name, ""))
        )
        for name in sorted(files):
            path = os.path.join(folder, name)
            if name.startswith(".") or os.path.splitext(name)[1].lower() not in SUFFIXES:
                continue
            if not os.path.islink(path) and not is_excluded(path):
                try:
                    yield _scanned_file(path)
                except OSError:  # deleted since the folder was listed
                    continue


def _scanned_file(path: str) -> ScannedFile:
    status = os.stat(path)
    return ScannedFile(path, status.st_size, status.st_mtime_ns)
