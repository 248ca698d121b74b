"""Plan a run of indexing: compare the files in the folders with the records of the store."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunespace.files import is_below, is_gone
from tunespace.library.index.embed_files import content_hash
from tunespace.library.index.exclude import ExcludePatterns
from tunespace.library.index.scan import ScannedFile
from tunespace.library.store.records import FileRecord, FileStamp


@dataclass(frozen=True)
class IndexPlan:
    """Actions of a run of indexing.

    Attributes:
        embed: New and changed files by path.
        move: Records whose content now has another path.
        restore: Retired records whose content is there again.
        restamp: Records whose file has other times and the same content.
        remove: Records whose file is gone or excluded.
        unchanged: Number of tracks that stay as they are.
        excluded: Number of tracks among ``remove`` that are excluded.
        kept: Number of tracks whose folder is empty or gone: it may not be mounted.
        kept_folders: The folders of these tracks.
        failed: Records of files that could not be read and have not changed.
    """

    embed: dict[str, ScannedFile]
    move: list[tuple[FileRecord, ScannedFile]]
    restore: list[tuple[FileRecord, ScannedFile]]
    restamp: list[tuple[FileRecord, ScannedFile]]
    remove: list[FileRecord]
    unchanged: int
    excluded: int
    kept: int
    kept_folders: list[str]
    failed: list[FileRecord]


def plan_index(
    scanned: Mapping[str, ScannedFile],
    records: Mapping[str, FileRecord],
    retired: Sequence[FileRecord],
    roots: Sequence[Path],
    exclude: ExcludePatterns,
    *,
    is_new_space: bool,
) -> IndexPlan:
    """Plan a run of indexing.

    Args:
        scanned: Files in the folders, by path.
        records: Records of the store, by path.
        retired: Records of tracks that were removed; their paths are empty.
        roots: Folders or files that are indexed.
        exclude: Files to leave out.
        is_new_space: Whether the model has changed, so that every track is embedded again.
    """
    excluded = _excluded_records(scanned, records, roots, exclude)
    missing, kept = _missing_records(scanned, records, roots, excluded)
    gone = [*missing, *excluded.values()]
    embed: dict[str, ScannedFile] = {}
    move: list[tuple[FileRecord, ScannedFile]] = []
    restore: list[tuple[FileRecord, ScannedFile]] = []
    restamp: list[tuple[FileRecord, ScannedFile]] = []
    failed: list[FileRecord] = []
    unchanged = 0
    # A file may have been moved here from any folder of the library, or from a missing disk.
    by_size: dict[int, list[FileRecord]] = {}
    for path, record in records.items():
        if record.embedded and path not in scanned:
            by_size.setdefault(record.stamp.size, []).append(record)
    for record in retired:
        by_size.setdefault(record.stamp.size, []).append(record)
    moved: set[int] = set()
    gone_ids = {record.id for record in gone}
    for path, file in scanned.items():
        known = records.get(path)
        if known is not None and _is_unchanged(known.stamp, file.stamp):
            # Another model may read a file that this one could not. Without a hash, the file could
            # not be opened: that is not the fault of its content.
            if known.reason is not None and known.content and not is_new_space:
                failed.append(known)
            elif known.embedded:
                unchanged += 1
                if known.stamp != file.stamp:  # of a library that had no such times
                    restamp.append((known, file))
            else:
                embed[path] = file
            continue
        is_track = known is not None and known.embedded
        candidates = [known] if known and is_track else by_size.get(file.stamp.size, [])
        same = _same_content(path, [c for c in candidates if c.id not in moved], gone_ids)
        if same is None:
            embed[path] = file
            continue
        moved.add(same.id)
        if not same.path:
            restore.append((same, file))
        elif same.path == path:
            unchanged += 1
            restamp.append((same, file))
        else:
            move.append((same, file))
    if is_new_space:
        embed |= _tracks_elsewhere(scanned, records, excluded)
    remove = [record for record in gone if record.id not in moved]
    return IndexPlan(
        embed,
        move,
        restore,
        restamp,
        remove,
        unchanged,
        sum(record.path in excluded for record in remove),
        sum(record.id not in moved for found in kept.values() for record in found),
        sorted(kept),
        failed,
    )


def _is_unchanged(known: FileStamp, current: FileStamp) -> bool:
    """Return whether a file is the one that was read, as far as size and times tell."""
    if (known.size, known.mtime_ns) != (current.size, current.mtime_ns):
        return False
    return known.ctime_ns in (0, current.ctime_ns) or current.ctime_ns == 0


def _same_content(
    path: str, candidates: Sequence[FileRecord], free_ids: set[int]
) -> FileRecord | None:
    """Return the record whose file has the content of a new one and is not there any more."""
    content = content_hash(path) if candidates else b""
    if not content:
        return None
    same = [record for record in candidates if record.content == content]
    # A record whose file is still there belongs to a copy of it, unless it is excluded.
    free = (r for r in same if r.path in ("", path) or r.id in free_ids or is_gone(r.path))
    return next(free, None)


def _excluded_records(
    scanned: Mapping[str, ScannedFile],
    records: Mapping[str, FileRecord],
    roots: Sequence[Path],
    exclude: ExcludePatterns,
) -> dict[str, FileRecord]:
    """Return the records of files in the roots that are excluded now."""
    prefixes = tuple(os.path.join(os.path.realpath(root), "") for root in roots)
    return {
        path: record
        for path, record in records.items()
        if path.startswith(prefixes) and path not in scanned and exclude(path)
    }


def _missing_records(
    scanned: Mapping[str, ScannedFile],
    records: Mapping[str, FileRecord],
    roots: Sequence[Path],
    excluded: Mapping[str, FileRecord],
) -> tuple[list[FileRecord], dict[str, list[FileRecord]]]:
    """Return the records of files in the roots that are gone, and those that are kept, by folder.

    A file is gone if the system says that there is no such file. A folder that is there and has
    lost all of its tracks keeps them: a disk that belongs there may not be mounted.
    """
    places = [os.path.realpath(root) for root in roots]
    missing_roots = [place for place in places if not os.path.lexists(place)]
    lost: dict[str, list[FileRecord]] = {}
    there: set[str] = {os.path.dirname(path) for path in scanned}
    for path, record in records.items():
        if path in excluded or not any(is_below(path, place) for place in places):
            continue
        if path in scanned or not is_gone(path):
            there.add(os.path.dirname(path))
            continue
        root = next((place for place in missing_roots if is_below(path, place)), None)
        lost.setdefault(root or _existing_folder(path), []).append(record)
    filled = _with_parents(there)
    kept = {folder: found for folder, found in lost.items() if folder not in filled}
    missing = [r for folder, found in lost.items() if folder in filled for r in found]
    return missing, kept


def _existing_folder(path: str) -> str:
    """Return the nearest folder above a path that exists."""
    folder = os.path.dirname(path)
    while folder != os.path.dirname(folder) and not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder


def _with_parents(folders: Iterable[str]) -> set[str]:
    """Return folders and all folders above them."""
    found: set[str] = set()
    for folder in folders:
        while folder not in found:
            found.add(folder)
            folder = os.path.dirname(folder)
    return found


def _tracks_elsewhere(
    scanned: Mapping[str, ScannedFile],
    records: Mapping[str, FileRecord],
    excluded: Mapping[str, FileRecord],
) -> dict[str, ScannedFile]:
    """Return the existing files outside the scanned ones that a new model has not embedded."""
    return {
        path: ScannedFile(path, record.stamp)
        for path, record in records.items()
        if record.reason is None
        and not record.embedded
        and path not in scanned
        and path not in excluded
        and os.path.exists(path)
    }
