"""Bringing a library up to date with folders: only what is new, changed or moved is touched.

What is heard is stored as it comes, so that a run which is killed at any moment loses seconds. One
process writes at a time; readers see the state before or after each transaction.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tunespace.errors import LibraryError
from tunespace.library.index.embed_files import Answer, DecodeFailure, content_hash, embed_files
from tunespace.library.index.exclude import ExcludePatterns
from tunespace.library.index.scan import ScannedFile, scan
from tunespace.library.store.sqlite import FileRecord, Space, Store
from tunespace.library.tags import read_tags
from tunespace.models import Model

_SECONDS_BETWEEN_COMMITS = 1.0


@dataclass(frozen=True)
class FailedFile:
    """A file that could not be read, and why."""

    path: str
    reason: str


@dataclass
class IndexReport:
    """What a run did.

    Attributes:
        added: New tracks.
        updated: Tracks whose file had changed, or that were heard again with another model.
        moved: Tracks whose file has another name or date but the same content.
        removed: Tracks whose file is gone.
        unchanged: Tracks that were not touched.
        failed: Files that could not be read, also those of earlier runs; they are tried again when
            they change.
        excluded: Tracks that the library had and that are left out now.
        kept: Tracks whose whole folder is empty or gone: it may only not be mounted.
        music_seconds: Length of what was listened to.
        elapsed_seconds: How long the run took.
    """

    added: int = 0
    updated: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    failed: list[FailedFile] = field(default_factory=list)
    excluded: int = 0
    kept: int = 0
    music_seconds: float = 0.0
    elapsed_seconds: float = 0.0


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        done: Files.
        total: Files.
        music_seconds: Length of what was listened to.
        path: The file that was just done.
    """

    done: int
    total: int
    music_seconds: float
    path: str


@dataclass
class _Plan:
    """What is to be done about each file."""

    listen: dict[str, ScannedFile] = field(default_factory=dict)
    move: list[tuple[FileRecord, ScannedFile]] = field(default_factory=list)
    remove: list[FileRecord] = field(default_factory=list)
    unchanged: int = 0
    excluded: int = 0
    kept: int = 0
    failed: list[FailedFile] = field(default_factory=list)


def index(
    store: Store,
    model: Model,
    source: str,
    roots: Sequence[Path],
    *,
    exclude: Sequence[str] | None = None,
    workers: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> IndexReport:
    """Brings a library up to date.

    Args:
        store: The library.
        model: What listens. Another one than before makes a new space beside the old, over all
            tracks of the library; searches go to it once it is complete.
        source: What the model is loaded by.
        roots: Folders or files.
        exclude: Patterns of what is left out, from now on; none for those of the last run.
        workers: Processes; one for each core where it is not given.
        on_progress: Told after each file.

    Raises:
        LibraryError: A root does not exist, another process is writing, or the disk is full; what
            was stored is kept.
    """
    from filelock import FileLock, Timeout  # a search never needs it

    lock = FileLock(store.folder / "writer.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise LibraryError(
            f"another process is writing to the library in {store.folder}: wait until it is done"
        ) from None
    with lock:
        patterns = store.excluded if exclude is None else exclude
        workers = workers or os.cpu_count() or 1
        return _index(store, model, source, roots, patterns, workers, on_progress)


def _index(
    store: Store,
    model: Model,
    source: str,
    roots: Sequence[Path],
    patterns: Sequence[str],
    workers: int,
    on_progress: Callable[[Progress], None] | None,
) -> IndexReport:
    began = time.monotonic()
    folders = [os.path.realpath(root) for root in roots if root.is_dir()]
    excluded = ExcludePatterns(patterns, [*store.roots, *folders])
    found = {file.path: file for root in roots for file in scan(root, excluded)}
    with store.writing():
        space = store.ensure_space(model, source)
        store.add_roots(folders)
        store.set_excluded(patterns)
        if store.active_space is None:
            store.activate(space)
    known = {row.path: row for row in store.file_records(space)}
    plan = _plan(found, known, roots, excluded, is_new_space=store.active_space != space)
    report = IndexReport(
        moved=len(plan.move),
        removed=len(plan.remove) - plan.excluded,
        excluded=plan.excluded,
        unchanged=plan.unchanged,
        kept=plan.kept,
        failed=plan.failed,
    )
    if plan.move or plan.remove:
        with store.writing():
            store.remove_tracks(row.id for row in plan.remove)
            for row, file in plan.move:
                store.move_track(row.id, file.path, file.size, file.mtime_ns, read_tags(file.path))
    _embed_and_store(store, model, space, plan, known, report, workers, on_progress)
    if store.active_space != space:
        with store.writing():
            store.activate(space)
    report.elapsed_seconds = time.monotonic() - began
    return report


def _plan(
    found: dict[str, ScannedFile],
    known: dict[str, FileRecord],
    roots: Sequence[Path],
    excluded: ExcludePatterns,
    *,
    is_new_space: bool,
) -> _Plan:
    plan = _Plan()
    excluded_rows = _find_excluded(found, known, roots, excluded)
    gone = [*_find_removed(found, known, roots, excluded_rows, plan), *excluded_rows.values()]
    by_size: dict[int, list[FileRecord]] = {}
    for lost in gone:
        if lost.embedded:
            by_size.setdefault(lost.size, []).append(lost)
    moved: set[int] = set()
    for path, file in found.items():
        row: FileRecord | None = known.get(path)
        if row is not None and (row.size, row.mtime_ns) == (file.size, file.mtime_ns):
            # Another model may manage what this one did not.
            if row.reason is not None and not is_new_space:
                plan.failed.append(FailedFile(path, row.reason))
            elif row.embedded:
                plan.unchanged += 1
            else:
                plan.listen[path] = file
            continue
        candidates = [row] if row is not None and row.embedded else by_size.get(file.size, [])
        content = content_hash(path) if candidates else b""
        same = [r for r in candidates if r.content == content and r.id not in moved]
        if same and content:
            moved.add(same[0].id)
            plan.move.append((same[0], file))
        else:
            plan.listen[path] = file
    plan.remove = [lost for lost in gone if lost.id not in moved]
    plan.excluded = sum(row.path in excluded_rows for row in plan.remove)
    if is_new_space:
        for other in known.values():
            heard = other.reason is not None or other.embedded or other.path in found
            if not heard and other.path not in excluded_rows and os.path.exists(other.path):
                plan.listen[other.path] = ScannedFile(other.path, other.size, other.mtime_ns)
    return plan


def _find_excluded(
    found: dict[str, ScannedFile],
    known: dict[str, FileRecord],
    roots: Sequence[Path],
    excluded: ExcludePatterns,
) -> dict[str, FileRecord]:
    """What is known of files under the roots that are not wanted any more."""
    prefixes = tuple(os.path.join(os.path.realpath(root), "") for root in roots)
    return {
        path: row
        for path, row in known.items()
        if path.startswith(prefixes) and path not in found and excluded(path)
    }


def _find_removed(
    found: dict[str, ScannedFile],
    known: dict[str, FileRecord],
    roots: Sequence[Path],
    excluded_rows: dict[str, FileRecord],
    plan: _Plan,
) -> list[FileRecord]:
    """Files under the roots that are no more; a folder that lost all of them keeps its tracks."""
    gone: list[FileRecord] = []
    for root in roots:
        prefix = os.path.join(os.path.realpath(root), "")
        here = [
            row
            for path, row in known.items()
            if path.startswith(prefix) and path not in excluded_rows
        ]
        lost = [row for row in here if row.path not in found and not os.path.lexists(row.path)]
        if lost and len(lost) == len(here) and not any(p.startswith(prefix) for p in found):
            plan.kept += len(lost)
        else:
            gone += lost
    return list({row.id: row for row in gone}.values())


def _embed_and_store(
    store: Store,
    model: Model,
    space: Space,
    plan: _Plan,
    known: dict[str, FileRecord],
    report: IndexReport,
    workers: int,
    on_progress: Callable[[Progress], None] | None,
) -> None:
    waiting: list[Answer] = []
    committed = time.monotonic()

    def commit() -> None:
        nonlocal committed
        with store.writing():
            for path, answer in waiting:
                file = plan.listen[path]
                if isinstance(answer, DecodeFailure):
                    store.save_failure(
                        path, file.size, file.mtime_ns, answer.content, answer.reason
                    )
                else:
                    store.save_track(path, file.size, file.mtime_ns, answer, space)
        waiting.clear()
        committed = time.monotonic()

    if not plan.listen:
        return
    answers = embed_files(plan.listen, str(model.folder), min(workers, len(plan.listen)))
    try:
        for done, (path, answer) in enumerate(answers, start=1):
            waiting.append((path, answer))
            if isinstance(answer, DecodeFailure):
                report.failed.append(FailedFile(path, answer.reason))
            else:
                report.music_seconds += answer.seconds
                report.updated += path in known
                report.added += path not in known
            if time.monotonic() - committed > _SECONDS_BETWEEN_COMMITS:
                commit()
            if on_progress is not None:
                on_progress(Progress(done, len(plan.listen), report.music_seconds, path))
    finally:
        answers.close()
        if waiting:
            commit()
