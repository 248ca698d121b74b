"""Repair a library: derived files are made anew, and damaged rows are removed to be read again."""

import shutil
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from tunespace.errors import IncompatibleLibraryError, LibraryError, NoLibraryError
from tunespace.files import is_writable
from tunespace.library.store.salvage import salvage
from tunespace.library.store.sqlite import FILE, SqliteStore

# Made again from the data when they are needed.
_DERIVED = ("vectors", "maps")
_LOCKS = ("writer.lock", "create.lock")


@dataclass(frozen=True)
class RepairReport:
    """Result of a repair.

    Attributes:
        derived: Names of derived files and folders that were removed.
        damaged_tracks: Number of tracks whose embedding was damaged and removed.
        lost_rows: Number of rows of the data that could not be read.
        damaged_folder: Folder with the damaged data; None if the data had no damage.

    Examples:
        >>> from tunespace.library.repair import repair
        >>> repair(Path("library")).lost_rows
        0
    """

    derived: list[str]
    damaged_tracks: int
    lost_rows: int
    damaged_folder: Path | None


def repair(folder: Path) -> RepairReport:
    """Repair a library. `Library.index` reads the tracks that were lost again.

    Args:
        folder: Folder of the library.

    Raises:
        NoLibraryError: There is no library.
        IncompatibleLibraryError: The data is of a newer version, or of another program.
        LibraryError: The folder is not writable, or another process is writing.

    Examples:
        >>> repair(Path("library")).damaged_tracks
        0
    """
    from tunespace.library.index.indexer import writer_lock

    if not (folder / FILE).exists():
        raise NoLibraryError(f"there is no library in {folder}")
    if not is_writable(folder):
        raise LibraryError(f"{folder} is not writable: repair as the user who owns it")
    for name in _LOCKS:
        if (folder / name).is_dir():
            with suppress(OSError):
                (folder / name).rmdir()
    with writer_lock(folder):
        derived = [name for name in _DERIVED if (folder / name).exists()]
        for name in derived:
            shutil.rmtree(folder / name, ignore_errors=True)
        lost, damaged_folder = 0, None
        if not _is_intact(folder):
            try:
                salvaged = salvage(folder)
            except OSError as error:
                raise LibraryError(f"{folder} cannot be repaired ({error})") from error
            lost, damaged_folder = salvaged.lost_rows, salvaged.damaged
        with closing(SqliteStore(folder, create=False)) as store, store.writing():
            damaged = store.remove_damaged_embeddings()
    return RepairReport(derived, damaged, lost, damaged_folder)


def _is_intact(folder: Path) -> bool:
    try:
        with closing(SqliteStore(folder, create=False)) as store:
            return not store.integrity_error()
    except IncompatibleLibraryError:
        raise
    except LibraryError:
        return False
