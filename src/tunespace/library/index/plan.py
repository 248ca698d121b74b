"""Plan a run of indexing: compare the files in the folders with the records of the store."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunespace.library.index.embed_files import content_hash
from tunespace.library.index.exclude import ExcludePatterns
from tunespace.library.index.scan import ScannedFile
from tunespace.library.store.records import FileRecord


@dataclass(frozen=True)
class IndexPlan:
    """Actions of a run of indexing.

    Attributes:
        embed: New and changed files by path.
        move: Records whose content now has another path or modification time.
        remove: Records whose file is gone or excluded.
        unchanged: Number of tracks that stay as they are.
        excluded: Number of tracks among ``remove`` that are excluded.
        kept: Number of tracks whose folder is empty or gone: it may not be mounted.
        failed: Records of files that could not be read and have not changed.
    """

    embed: dict[str, ScannedFile]
    move: list[tuple[FileRecord, ScannedFile]]
    remove: list[FileRecord]
    unchanged: int
    excluded: int
    kept: int
    failed: list[FileRecord]


def plan_index(
    scanned: Mapping[str, ScannedFile],
    records: Mapping[str, FileRecord],
    roots: Sequence[Path],
    exclude: ExcludePatterns,
    *,
    is_new_space: bool,
) -> IndexPlan:
    """Plan a run of indexing.

    Args:
        scanned: Files in the folders, by path.
        records: Records of the store, by path.
        roots: Folders or files that are indexed.
        exclude: Files to leave out.
        is_new_space: Whether the model has changed, so that every track is embedded again.
    """
    excluded = _excluded_records(scanned, records, roots, exclude)
    missing, kept = _missing_records(scanned, records, roots, excluded)
    gone = [*missing, *excluded.values()]
    embed: dict[str, ScannedFile] = {}
    move: list[tuple[FileRecord, ScannedFile]] = []
    failed: list[FileRecord] = []
    unchanged = 0
    by_size: dict[int, list[FileRecord]] = {}
    for record in gone:
        if record.embedded:
            by_size.setdefault(record.size, []).append(record)
    moved: set[int] = set()
    for path, file in scanned.items():
        known = records.get(path)
        if known is not None and (known.size, known.mtime_ns) == (file.size, file.mtime_ns):
            # Another model may read a file that this one could not.
            if known.reason is not None and not is_new_space:
                failed.append(known)
            elif known.embedded:
                unchanged += 1
            else:
                embed[path] = file
            continue
        candidates = [known] if known is not None and known.embedded else by_size.get(file.size, [])
        same = _same_content(path, [c for c in candidates if c.id not in moved])
        if same is not None:
            moved.add(same.id)
            move.append((same, file))
        else:
            embed[path] = file
    if is_new_space:
        embed |= _tracks_elsewhere(scanned, records, excluded)
    remove = [record for record in gone if record.id not in moved]
    return IndexPlan(
        embed,
        move,
        remove,
        unchanged,
        sum(record.path in excluded for record in remove),
        kept,
        failed,
    )


def _same_content(path: str, candidates: Sequence[FileRecord]) -> FileRecord | None:
    content = content_hash(path) if candidates else b""
    if not content:
        return None
    return next((record for record in candidates if record.content == content), None)


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
) -> tuple[list[FileRecord], int]:
    """Return the records of files in the roots that are gone, and the number of those kept.

    A root that has lost all of its files keeps its tracks: it may not be mounted.
    """
    missing: dict[int, FileRecord] = {}
    kept = 0
    for root in roots:
        prefix = os.path.join(os.path.realpath(root), "")
        here = [
            record
            for path, record in records.items()
            if path.startswith(prefix) and path not in excluded
        ]
        lost = [r for r in here if r.path not in scanned and not os.path.lexists(r.path)]
        if lost and len(lost) == len(here) and not any(p.startswith(prefix) for p in scanned):
            kept += len(lost)
        else:
            missing |= {record.id: record for record in lost}
    return list(missing.values()), kept


def _tracks_elsewhere(
    scanned: Mapping[str, ScannedFile],
    records: Mapping[str, FileRecord],
    excluded: Mapping[str, FileRecord],
) -> dict[str, ScannedFile]:
    """Return the existing files outside the scanned ones that a new model has not embedded."""
    return {
        path: ScannedFile(path, record.size, record.mtime_ns)
        for path, record in records.items()
        if record.reason is None
        and not record.embedded
        and path not in scanned
        and path not in excluded
        and os.path.exists(path)
    }
