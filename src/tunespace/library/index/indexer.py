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
from tunespace.library.index.embed_files import Answer, Unheard, hash_of, listen_to_all
from tunespace.library.index.exclude import Excluded
from tunespace.library.index.scan import Found, scan
from tunespace.library.store.sqlite import Row, Space, Store
from tunespace.library.tags import read_tags
from tunespace.models import Model

_SECONDS_BETWEEN_COMMITS = 1.0


@dataclass(frozen=True)
class Failed:
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
    failed: list[Failed] = field(default_factory=list)
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

    listen: dict[str, Found] = field(default_factory=dict)
    move: list[tuple[Row, Found]] = field(default_factory=list)
    remove: list[Row] = field(default_factory=list)
    unchanged: int = 0
    excluded: int = 0
    kept: int = 0
    failed: list[Failed] = field(default_factory=list)


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
    excluded = Excluded(patterns, [*store.roots, *folders])
    found = {file.path: file for root in roots for file in scan(root, excluded)}
    with store.writing():
        space = store.space_of(model, source)
        store.remember_roots(folders)
        store.remember_excluded(patterns)
        if store.active_space is None:
            store.activate(space)
    known = {row.path: row for row in store.rows(space)}
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
            store.remove(row.id for row in plan.remove)
            for row, file in plan.move:
                store.move(row.id, file.path, file.size, file.mtime_ns, read_tags(file.path))
    _listen(store, model, space, plan, known, report, workers, on_progress)
    if store.active_space != space:
        with store.writing():
            store.activate(space)
    report.elapsed_seconds = time.monotonic() - began
    return report


def _plan(
    found: dict[str, Found],
    known: dict[str, Row],
    roots: Sequence[Path],
    excluded: Excluded,
    *,
    is_new_space: bool,
) -> _Plan:
    plan = _Plan()
    left_out = _left_out(found, known, roots, excluded)
    gone = [*_gone(found, known, roots, left_out, plan), *left_out.values()]
    by_size: dict[int, list[Row]] = {}
    for lost in gone:
        if lost.embedded:
            by_size.setdefault(lost.size, []).append(lost)
    moved: set[int] = set()
    for path, file in found.items():
        row: Row | None = known.get(path)
        if row is not None and (row.size, row.mtime_ns) == (file.size, file.mtime_ns):
            # Another model may manage what this one did not.
            if row.reason is not None and not is_new_space:
                plan.failed.append(Failed(path, row.reason))
            elif row.embedded:
                plan.unchanged += 1
            else:
                plan.listen[path] = file
            continue
        candidates = [row] if row is not None and row.embedded else by_size.get(file.size, [])
        content = hash_of(path) if candidates else b""
        same = [r for r in candidates if r.content == content and r.id not in moved]
        if same and content:
            moved.add(same[0].id)
            plan.move.append((same[0], file))
        else:
            plan.listen[path] = file
    plan.remove = [lost for lost in gone if lost.id not in moved]
    plan.excluded = sum(row.path in left_out for row in plan.remove)
    if is_new_space:
        for other in known.values():
            heard = other.reason is not None or other.embedded or other.path in found
            if not heard and other.path not in left_out and os.path.exists(other.path):
                plan.listen[other.path] = Found(other.path, other.size, other.mtime_ns)
    return plan


def _left_out(
    found: dict[str, Found], known: dict[str, Row], roots: Sequence[Path], excluded: Excluded
) -> dict[str, Row]:
    """What is known of files under the roots that are not wanted any more."""
    prefixes = tuple(os.path.join(os.path.realpath(root), "") for root in roots)
    return {
        path: row
        for path, row in known.items()
        if path.startswith(prefixes) and path not in found and excluded(path)
    }


def _gone(
    found: dict[str, Found],
    known: dict[str, Row],
    roots: Sequence[Path],
    left_out: dict[str, Row],
    plan: _Plan,
) -> list[Row]:
    """Files under the roots that are no more; a folder that lost all of them keeps its tracks."""
    gone: list[Row] = []
    for root in roots:
        prefix = os.path.join(os.path.realpath(root), "")
        here = [
            row for path, row in known.items() if path.startswith(prefix) and path not in left_out
        ]
        lost = [row for row in here if row.path not in found and not os.path.lexists(row.path)]
        if lost and len(lost) == len(here) and not any(p.startswith(prefix) for p in found):
            plan.kept += len(lost)
        else:
            gone += lost
    return list({row.id: row for row in gone}.values())


def _listen(
    store: Store,
    model: Model,
    space: Space,
    plan: _Plan,
    known: dict[str, Row],
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
                if isinstance(answer, Unheard):
                    store.put_failure(path, file.size, file.mtime_ns, answer.content, answer.reason)
                else:
                    store.put(path, file.size, file.mtime_ns, answer, space)
        waiting.clear()
        committed = time.monotonic()

    if not plan.listen:
        return
    answers = listen_to_all(plan.listen, str(model.folder), min(workers, len(plan.listen)))
    try:
        for done, (path, answer) in enumerate(answers, start=1):
            waiting.append((path, answer))
            if isinstance(answer, Unheard):
                report.failed.append(Failed(path, answer.reason))
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
