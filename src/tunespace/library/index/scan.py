"""Scan folders for audio files.

Hidden folders and recycle bins are passed over, and so are symbolic links: one that leads out of
the folder must not be followed, and one that stays inside would add the same music twice.
"""

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tunespace.errors import LibraryError
from tunespace.library.store.records import FileStamp

# Suffixes of files with an audio stream that can be decoded; a file with any other suffix can be
# indexed by naming it.
SUFFIXES = frozenset(
    ".3gp .aa3 .aac .ac3 .aif .aifc .aiff .amr .ape .au .bwf .caf .dff .dsf .dts .eac3 .flac .m4a "
    ".m4b .m4r .mka .mkv .mp1 .mp2 .mp3 .mp4 .mpc .mpga .oga .ogg .oma .opus .qoa .ra .rf64 .rm "
    ".shn .snd .spx .tak .tta .voc .w64 .wav .wave .webm .wma .wv".split()
)
# Music that cannot be decoded: notes instead of sound, or protected.
_NOT_DECODED = frozenset(
    ".aax .aaxc .it .kar .m4p .mid .midi .mod .nsf .ofr .ofs .s3m .sid .spc .xm".split()
)
# What systems and programs put beside music: deleted files, old versions, previews.
_SYSTEM_FOLDERS = frozenset(
    {
        "#recycle",
        "#snapshot",
        "$recycle.bin",
        "@__thumb",
        "@eadir",
        "@recently-snapshot",
        "@recycle",
        "lost+found",
        "recycler",
        "system volume information",
    }
)
_TEMPORARY_FILES = ("._", ".pending-", ".trashed-")

LINKS = "symbolic links"
SYSTEM_FOLDERS = "recycle bins and folders of the system"
HIDDEN = "hidden folders"
FORGOTTEN = "folders that were removed with `tunespace forget`"


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
ReportPassedOver = Callable[[str], None]


def _ignore_skip(_path: str, _reason: str) -> None:
    pass


def _ignore_passed_over(_kind: str) -> None:
    pass


def scan(
    root: Path,
    is_excluded: Callable[[str], bool] = lambda _: False,
    on_skip: ReportSkip = _ignore_skip,
    on_passed_over: ReportPassedOver = _ignore_passed_over,
) -> Iterator[ScannedFile]:
    """Yield the audio files in a folder in the order of their names, or a single file.

    Args:
        root: Folder or file.
        is_excluded: Called with the path of every file and every folder (with a separator at the
            end) in ``root``; True leaves it out.
        on_skip: Called with path and reason of each folder and audio file that cannot be read now,
            and of each that is not a regular file.
        on_passed_over: Called with the kind of each folder and file that is passed over; that of a
            file without a known suffix is the suffix.

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
            if _is_scanned_folder(folder, name, on_passed_over)
            and not is_excluded(os.path.join(folder, name, ""))
        )
        for name in sorted(files):
            path = os.path.join(folder, name)
            if not _is_scanned_file(path, name, on_passed_over) or is_excluded(path):
                continue
            try:
                if not stat.S_ISREG(os.stat(path).st_mode):
                    on_skip(path, "is not a regular file")
                    continue
                yield _scanned_file(path)
            except FileNotFoundError:  # deleted since the folder was listed
                continue
            except OSError as error:
                on_skip(path, f"cannot be read ({error.strerror})")


def _is_scanned_folder(folder: str, name: str, on_passed_over: ReportPassedOver) -> bool:
    if os.path.islink(os.path.join(folder, name)):
        on_passed_over(LINKS)
        return False
    if name.lower() in _SYSTEM_FOLDERS:
        on_passed_over(SYSTEM_FOLDERS)
        return False
    # "...And Justice" and ".38 Special" are names of music.
    if name.startswith(".") and name[1:2].isalpha():
        on_passed_over(SYSTEM_FOLDERS if name.lower().startswith(".trash") else HIDDEN)
        return False
    return True


def _is_scanned_file(path: str, name: str, on_passed_over: ReportPassedOver) -> bool:
    # A name that begins with dots has no suffix by itself.
    suffix = os.path.splitext(name.lstrip("."))[1].lower()
    if suffix not in SUFFIXES:
        if suffix:
            on_passed_over(suffix)
        return False
    if name.startswith(_TEMPORARY_FILES):  # half-copied, deleted, or data of another system
        return False
    if os.path.islink(path):
        on_passed_over(LINKS)
        return False
    return True


def describe_passed_over(passed_over: Mapping[str, int], *, found_any: bool) -> list[str]:
    """Return a line for each kind of what was passed over that a person should know of.

    Args:
        passed_over: Number of folders and files of each kind.
        found_any: Whether audio files were found; if not, every suffix is of interest.

    Examples:
        >>> describe_passed_over({".mid": 2, ".jpg": 9}, found_any=True)
        ['2 .mid files, which cannot be decoded']
    """
    lines = []
    for kind, count in sorted(passed_over.items(), key=lambda item: (-item[1], item[0])):
        if kind in _NOT_DECODED:
            lines.append(f"{count:,} {kind} files, which cannot be decoded")
        elif not kind.startswith("."):
            lines.append(f"{count:,} {kind}")
        elif not found_any:
            lines.append(f"{count:,} {kind} files")
    return lines


def _scanned_file(path: str) -> ScannedFile:
    status = os.stat(path)
    # On Windows it is the time of creation, which says nothing about changes.
    ctime_ns = 0 if os.name == "nt" else _bounded(status.st_ctime_ns)
    return ScannedFile(path, FileStamp(status.st_size, _bounded(status.st_mtime_ns), ctime_ns))


def _bounded(nanoseconds: int) -> int:
    """Return a time that SQLite can store: a broken clock may name a year after 2262."""
    return min(max(nanoseconds, -(2**63)), 2**63 - 1)
