"""Bring a library up to date with folders: only new, changed and moved files are processed.

Results are committed every second, so a run that is killed loses at most that much work. One
process writes at a time; readers see the state before or after each transaction.
"""

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tunespace.errors import LibraryError
from tunespace.files import is_below
from tunespace.library.index.embed_files import (
    DecodeFailure,
    FileResult,
    embed_files,
    read_file_tags,
)
from tunespace.library.index.exclude import ExcludePatterns
from tunespace.library.index.plan import IndexPlan, plan_index
from tunespace.library.index.report import (
    FailedFile,
    IndexReport,
    Progress,
    ProgressCallback,
    RelocateReport,
)
from tunespace.library.index.scan import (
    FORGOTTEN,
    ReportPassedOver,
    ReportSkip,
    ScannedFile,
    scan,
)
from tunespace.library.store.base import Store
from tunespace.library.store.records import FileRecord, Space, Track
from tunespace.library.tags import Tags
from tunespace.models import Model

_SECONDS_BETWEEN_COMMITS = 1.0


def index(
    store: Store,
    model: Model,
    source: str,
    roots: Sequence[Path],
    *,
    exclude: Sequence[str] | None = None,
    reread: bool = False,
    workers: int | None = None,
    on_progress: ProgressCallback | None = None,
) -> IndexReport:
    """Bring a library up to date.

    Args:
        store: Store of the library.
        model: Model that embeds the files. A model other than the library's creates a second space
            over all tracks of the library; searches switch to it when it is complete.
        source: Name or folder that the model is loaded from.
        roots: Folders or files.
        exclude: Patterns of files to leave out from now on; None for those of the last run.
        reread: Whether the tags of unchanged files are read again, too.
        workers: Number of processes; None for one per core.
        on_progress: Called after each file.

    Raises:
        LibraryError: A root does not exist, another process is writing, or the disk is full; what
            was committed before is kept.
    """
    with writer_lock(store.folder):
        patterns = store.excluded if exclude is None else exclude
        workers = workers or os.cpu_count() or 1
        report = _index(store, model, source, roots, patterns, workers, on_progress)
        if reread:
            report.retagged = _reread_tags(store, roots, workers)
        return report


def forget(store: Store, folder: Path) -> int:
    """Remove the files of a folder from a library, and leave the folder out from now on.

    Returns:
        Number of removed tracks.

    Raises:
        LibraryError: Nothing in the folder was indexed, or another process is writing.
    """
    place = os.path.realpath(folder)
    with writer_lock(store.folder):
        roots = [root for root in store.roots if root != place and not is_below(root, place)]
        ids = store.ids_below(place)
        if not ids and roots == store.roots:
            raise LibraryError(f"nothing in {folder} was indexed")
        tracks = len(store.tracks(ids))
        with store.writing():
            store.remove_tracks(ids)
            store.set_roots(roots)
            forgotten = [known for known in store.forgotten if not is_below(known, place)]
            is_inside = any(is_below(place, root) for root in roots)
            store.set_forgotten({*forgotten, *([place] if is_inside else [])})
    return tracks


def relocate(store: Store, old: Path, new: Path) -> RelocateReport:
    """Change the folder of tracks that were moved with all of their files.

    The files are not read. The next run of indexing compares their content.

    Args:
        store: Store of the library.
        old: Folder that was indexed.
        new: Folder that has its files now.

    Raises:
        LibraryError: Nothing in ``old`` was indexed, ``new`` is no folder, or another process is
            writing.
    """
    before, after = os.path.realpath(old), os.path.realpath(new)
    if not os.path.isdir(after):
        raise LibraryError(f"{new} is not a folder")
    with writer_lock(store.folder):
        records = [r for r in store.known_files() if is_below(r.path, before)]
        if not records:
            raise LibraryError(f"nothing in {old} was indexed")
        moves, left = [], []
        failed = [record.id for record in records if record.reason is not None]
        for record in (record for record in records if record.reason is None):
            path = _moved(record.path, before, after)
            try:
                size = os.stat(path).st_size
            except OSError:
                size = -1
            if size == record.stamp.size:
                # With the old times: the next run finds them changed and compares the content.
                moves.append((record.id, path, replace(record.stamp, mtime_ns=0)))
            else:
                left.append(record.path)
        if left and not moves:
            raise LibraryError(f"{new} has none of the {len(left):,} files of {old}")
        with store.writing():
            store.remove_tracks(failed)  # tried again at their new place
            for id_, path, stamp in moves:
                store.move_track(id_, path, stamp)
            roots = [root for root in store.roots if root != before and not is_below(root, before)]
            inside = [root for root in store.roots if is_below(root, before)]
            moved = [_moved(root, before, after) for root in inside]
            store.set_roots([*roots, *([before] if left else [])])
            store.add_roots([after] if before in store.roots or not inside else moved)
            store.set_forgotten(_moved(folder, before, after) for folder in store.forgotten)
    return RelocateReport(len(moves), left)


def _moved(path: str, before: str, after: str) -> str:
    """Return a path below a folder that was moved; that of another file is the same."""
    return os.path.join(after, os.path.relpath(path, before)) if is_below(path, before) else path


def _reread_tags(store: Store, roots: Sequence[Path], workers: int) -> int:
    """Read the tags of all tracks in some folders again; return the number of those that differ."""
    ids = [id_ for root in roots for id_ in store.ids_at(os.path.realpath(root))]
    tracks = {track.path: track for track in store.tracks(ids).values()}
    changed: list[tuple[Track, Tags]] = []
    with closing(read_file_tags(tracks, min(workers, max(1, len(tracks))))) as results:
        for path, tags in results:
            if tags != store.tags(tracks[path].id):
                changed.append((tracks[path], tags))
    if changed:
        with store.writing():
            for track, tags in changed:
                store.save_tags(track.id, track.path, tags)
    return len(changed)


@contextmanager
def writer_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of the only writer of the library in a folder.

    Raises:
        LibraryError: Another process is writing, or the library is not writable.
    """
    from filelock import FileLock, Timeout  # not needed by a search

    lock = FileLock(folder / "writer.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise LibraryError(
            f"another process is writing to the library in {folder}: wait until it is done"
        ) from None
    except OSError as error:
        raise LibraryError(
            f"the library in {folder} cannot be written ({error.strerror or error})"
        ) from error
    with lock:
        yield


def _index(
    store: Store,
    model: Model,
    source: str,
    roots: Sequence[Path],
    patterns: Sequence[str],
    workers: int,
    on_progress: ProgressCallback | None,
) -> IndexReport:
    began = time.monotonic()
    folders = [os.path.realpath(root) for root in roots if root.is_dir()]
    forgotten = _still_forgotten(store.forgotten, roots)
    excludes = ExcludePatterns(patterns, [*store.roots, *folders], forgotten)
    skipped: dict[str, str] = {}
    passed_over = Counter(FORGOTTEN for folder in forgotten if os.path.lexists(folder))
    scanned, missing_roots = _scan_all(
        roots, excludes, skipped.__setitem__, lambda kind: passed_over.update([kind])
    )
    with store.writing():
        space = store.ensure_space(model, source)
        store.add_roots(folders)
        store.set_excluded(patterns)
        store.set_forgotten(forgotten)
        if store.active_space is None:
            store.activate(space)
    records = {record.path: record for record in store.file_records(space)}
    is_new_space = store.active_space != space
    retired = store.retired_records(space)
    plan = plan_index(scanned, records, retired, roots, excludes, is_new_space=is_new_space)
    report = IndexReport(
        moved=len(plan.move),
        restored=len(plan.restore),
        removed=len(plan.remove) - plan.excluded,
        excluded=plan.excluded,
        unchanged=plan.unchanged,
        kept=plan.kept,
        failed=[FailedFile(record.path, record.reason or "") for record in plan.failed],
        failed_earlier=len(plan.failed),
        kept_folders=plan.kept_folders,
        passed_over=dict(passed_over),
        missing_roots=[str(root) for root in missing_roots],
    )
    report.failed += [FailedFile(path, reason) for path, reason in skipped.items()]
    _apply_moves(store, plan, space)
    if plan.embed:
        writer = _ResultWriter(store, space, plan.embed, records, report)
        workers = min(workers, len(plan.embed))
        _embed_and_store(writer, str(model.folder), workers, on_progress)
    if store.active_space != space:
        with store.writing():
            store.activate(space)
    _drop_moved_roots(store)
    report.elapsed_seconds = time.monotonic() - began
    return report


def _scan_all(
    roots: Sequence[Path],
    excludes: ExcludePatterns,
    on_skip: ReportSkip,
    on_passed_over: ReportPassedOver,
) -> tuple[dict[str, ScannedFile], list[Path]]:
    """Return the files of all roots by path, and the roots that do not exist.

    Raises:
        LibraryError: No root exists, or one cannot be read.
    """
    missing = [root for root in roots if not os.path.lexists(root)]
    if missing and len(missing) == len(roots):
        raise LibraryError(f"{missing[0]} does not exist")
    here = [root for root in roots if root not in missing]
    scanned = {
        file.path: file for root in here for file in scan(root, excludes, on_skip, on_passed_over)
    }
    return scanned, missing


def _still_forgotten(forgotten: Sequence[str], roots: Sequence[Path]) -> list[str]:
    """Return the forgotten folders but those that are asked for by name, or by one inside."""
    named = [os.path.realpath(root) for root in roots]
    return [
        folder
        for folder in forgotten
        if not any(path == folder or is_below(path, folder) for path in named)
    ]


def _drop_moved_roots(store: Store) -> None:
    """Remove folders from those to index that do not exist and have no tracks left."""
    roots = store.roots
    kept = [root for root in roots if os.path.lexists(root) or store.ids_below(root)]
    if kept != roots:
        with store.writing():
            store.set_roots(kept)


def _apply_moves(store: Store, plan: IndexPlan, space: Space) -> None:
    if not (plan.move or plan.restore or plan.restamp or plan.remove):
        return
    with store.writing():
        store.retire_tracks((record.id for record in plan.remove), space)
        for record, file in (*plan.restamp, *plan.move):
            store.move_track(record.id, file.path, file.stamp)
        for record, file in plan.restore:
            store.restore_track(record.id, file.path, file.stamp)


@dataclass
class _ResultWriter:
    """Collects results and commits them once a second."""

    store: Store
    space: Space
    files: Mapping[str, ScannedFile]
    records: Mapping[str, FileRecord]
    report: IndexReport
    waiting: list[FileResult] = field(default_factory=list)
    committed: float = field(default_factory=time.monotonic)

    def add(self, path: str, result: FileResult) -> None:
        self.waiting.append(result)
        _, outcome = result
        if isinstance(outcome, DecodeFailure):
            self.report.failed.append(FailedFile(path, outcome.reason))
        else:
            self.report.music_seconds += outcome.seconds
            self.report.updated += path in self.records
            self.report.added += path not in self.records
        if time.monotonic() - self.committed > _SECONDS_BETWEEN_COMMITS:
            self.commit()

    def commit(self) -> None:
        if not self.waiting:
            return
        with self.store.writing():
            for path, outcome in self.waiting:
                file = self.files[path]
                if isinstance(outcome, DecodeFailure):
                    if outcome.is_transient:
                        continue  # what is known of the file is kept, and the next run tries again
                    self.store.save_failure(path, file.stamp, outcome.content, outcome.reason)
                else:
                    self.store.save_track(path, file.stamp, outcome, self.space)
        self.waiting.clear()
        self.committed = time.monotonic()


def _embed_and_store(
    writer: _ResultWriter, model: str, workers: int, on_progress: ProgressCallback | None
) -> None:
    total = len(writer.files)
    try:
        with closing(embed_files(writer.files, model, workers)) as results:
            for done, result in enumerate(results, start=1):
                path, _ = result
                writer.add(path, result)
                if on_progress is not None:
                    on_progress(Progress(done, total, writer.report.music_seconds, path))
    finally:
        writer.commit()
