"""Scan folders for audio files.

Hidden files and folders are skipped, and so are symbolic links: one that leads out of the folder
must not be followed, and one that stays inside would add the same music twice.
"""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tunespace.errors import LibraryError
from tunespace.library.store.records import FileStamp

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
        stamp: Its size and times.
    """

    path: str
    stamp: FileStamp


ReportSkip = Callable[[str, str], None]


def _ignore_skip(_path: str, _reason: str) -> None:
    pass


def scan(
    root: Path,
    is_excluded: Callable[[str], bool] = lambda _: False,
    on_skip: ReportSkip = _ignore_skip,
) -> Iterator[ScannedFile]:
    """Yield the audio files in a folder in the order of their names, or a single file.

    Args:
        root: Folder or file.
        is_excluded: Called with the path of every file and every folder (with a separator at the
            end) in ``root``; True leaves it out.
        on_skip: Called with path and reason of each folder and audio file that cannot be read now,
            and of each that is not a regular file.

    Raises:
        LibraryError: ``root`` does not exist, is not readable, or is neither a folder nor a regular
            file.
    """
    try:
        mode = root.stat().st_mode
        if stat.S_ISREG(mode):
            yield _scanned_file(os.path.realpath(root))
            return
        if not stat.S_ISDIR(mode):
            raise LibraryError(f"{root} is neither a folder nor a regular file")
        os.listdir(root)
    except FileNotFoundError as error:
        raise LibraryError(f"{root} does not exist") from error
    except PermissionError as error:
        raise LibraryError(f"{root} is not readable: permission denied") from error
    except OSError as error:
        raise LibraryError(f"{root} cannot be read ({error.strerror})") from error

    def skip_folder(error: OSError) -> None:
        on_skip(str(error.filename), f"cannot be read ({error.strerror})")

    # The root itself may be a link: the user named it.
    for folder, folders, files in os.walk(os.path.realpath(root), onerror=skip_folder):
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
                    if not stat.S_ISREG(os.stat(path).st_mode):
                        on_skip(path, "is not a regular file")
                        continue
                    yield _scanned_file(path)
                except FileNotFoundError:  # deleted since the folder was listed
                    continue
                except OSError as error:
                    on_skip(path, f"cannot be read ({error.strerror})")


def _scanned_file(path: str) -> ScannedFile:
    status = os.stat(path)
    # On Windows it is the time of creation, which says nothing about changes.
    ctime_ns = 0 if os.name == "nt" else _bounded(status.st_ctime_ns)
    return ScannedFile(path, FileStamp(status.st_size, _bounded(status.st_mtime_ns), ctime_ns))


def _bounded(nanoseconds: int) -> int:
    """Return a time that SQLite can store: a broken clock may name a year after 2262."""
    return min(max(nanoseconds, -(2**63)), 2**63 - 1)
