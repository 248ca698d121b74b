"""Wait for changes of music folders."""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tunespace.errors import LibraryError

# A copied album is one change: nothing has happened for a while when it is complete.
_QUIET_SECONDS = 5.0
_MAX_WAIT_SECONDS = 300.0
# What no system reports, such as changes on another machine of a network disk, is found by then.
_SECONDS_BETWEEN_RUNS = 24 * 3600.0


def wait_for_changes(
    roots: Sequence[Path],
    stop: threading.Event,
    *,
    quiet_seconds: float = _QUIET_SECONDS,
    max_seconds: float = _SECONDS_BETWEEN_RUNS,
) -> Iterator[int]:
    """Yield the number of changed paths whenever the folders were changed and are quiet again.

    Args:
        roots: Folders; those that do not exist are looked for again after a while.
        stop: Ends the iteration.
        quiet_seconds: Time without a change, in seconds, after which a change is complete.
        max_seconds: Time, in seconds, after which 0 is yielded without a change.

    Raises:
        LibraryError: The library that watches folders is not installed, or the system cannot watch
            so many folders.
    """
    try:
        from watchfiles import watch
    except ModuleNotFoundError as error:
        raise LibraryError(
            "watchfiles is not installed: run `pip install 'tunespace[watch]'`"
        ) from error

    while not stop.is_set():
        existing = [root for root in roots if os.path.isdir(root)]
        changed: set[str] = set()
        first = last = began = time.monotonic()
        if not existing:
            stop.wait(min(60.0, max_seconds))
            yield 0
            continue
        try:
            for changes in watch(
                *existing,
                stop_event=stop,
                watch_filter=None,
                rust_timeout=int(1000 * min(quiet_seconds, 1.0)),
                yield_on_timeout=True,
                raise_interrupt=True,
            ):
                now = time.monotonic()
                if changes:
                    first = first if changed else now
                    last = now
                    changed.update(path for _, path in changes)
                is_quiet = now - last >= quiet_seconds or now - first >= _MAX_WAIT_SECONDS
                if changed and is_quiet:
                    yield len(changed)
                    changed.clear()
                    began = time.monotonic()
                elif not changed and now - began >= max_seconds:
                    yield 0
                    began = time.monotonic()
                    if [root for root in roots if os.path.isdir(root)] != existing:
                        break  # a disk has come or gone
        except OSError as error:
            raise LibraryError(
                f"the folders cannot be watched ({error}): run `tunespace index` from a timer"
            ) from error
