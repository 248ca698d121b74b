"""Bring a library up to date with folders: only new, changed and moved files are processed.

Results are committed every second, so a run that is killed loses at most that much work. One
process writes at a time; readers see the state before or after each transaction.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tunespace.errors import LibraryError
from tunespace.files import is_below
from tunespace.library.index.embed_files import DecodeFailure, FileResult, embed_files
from tunespace.library.index.exclude import ExcludePatterns
from tunespace.library.index.plan import IndexPlan, plan_index
from tunespace.library.index.report import FailedFile, IndexReport, Progress, ProgressCallback
from tunespace.library.index.scan import ReportSkip, ScannedFile, scan
from tunespace.library.store.base import Store
from tunespace.library.store.records import FileRecord, Space
from tunespace.models import Model

_SECONDS_BETWEEN_COMMITS = 1.0


def index(
    store: Store,
    model: Model,
    source: str,
    roots: Sequence[Path],
    *,
    exclude: Sequence[str] | None = None,
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
        workers: Number of processes; None for one per core.
        on_progress: Called after each file.

    Raises:
        LibraryError: A root does not exist, another process is writing, or the disk is full; what
            was committed before is kept.
    """
    with writer_lock(store.folder):
        patterns = store.excluded if exclude is None else exclude
        workers = workers or os.cpu_count() or 1
        return _index(store, model, source, roots, patterns, workers, on_progress)


def forget(store: Store, folder: Path) -> int:
    """Remove the files of a folder from a library, and the folder from those to index.

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
    return tracks


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
    excludes = ExcludePatterns(patterns, [*store.roots, *folders])
    skipped: dict[str, str] = {}
    scanned, missing_roots = _scan_all(roots, excludes, skipped.__setitem__)
    with store.writing():
        space = store.ensure_space(model, source)
        store.add_roots(folders)
        store.set_excluded(patterns)
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
        kept_folders=plan.kept_folders,
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
    roots: Sequence[Path], excludes: ExcludePatterns, on_skip: ReportSkip
) -> tuple[dict[str, ScannedFile], list[Path]]:
    """Return the files of all roots by path, and the roots that do not exist.

    Raises:
        LibraryError: No root exists, or one cannot be read.
    """
    missing = [root for root in roots if not os.path.lexists(root)]
    if missing and len(missing) == len(roots):
        raise LibraryError(f"{missing[0]} does not exist")
    here = [root for root in roots if root not in missing]
    scanned = {file.path: file for root in here for file in scan(root, excludes, on_skip)}
    return scanned, missing


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
