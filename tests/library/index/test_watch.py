import threading
import time
from pathlib import Path

import pytest

from tunespace.library.index.watch import wait_for_changes

pytest.importorskip("watchfiles")


def collect(roots: list[Path], stop: threading.Event, seen: list[int], **limits: float) -> None:
    seen.extend(wait_for_changes(roots, stop, **limits))


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


def test_a_change_is_reported_when_it_is_complete(tmp_path: Path, stop: threading.Event) -> None:
    times: list[float] = []

    def watch() -> None:
        changes = wait_for_changes([tmp_path], stop, quiet_seconds=0.6)
        times.extend(time.monotonic() for _ in changes)

    thread = threading.Thread(target=watch)
    thread.start()
    time.sleep(1.0)
    for n in range(8):
        (tmp_path / f"{n}.mp3").write_bytes(b"x")
        time.sleep(0.2)
    last = time.monotonic()
    time.sleep(3.0)
    stop.set()
    thread.join(10)
    assert len(times) == 1
    assert times[0] > last + 0.2


def test_a_run_is_due_after_a_while_without_a_change(tmp_path: Path, stop: threading.Event) -> None:
    seen: list[int] = []
    limits = {"quiet_seconds": 0.2, "max_seconds": 0.5}
    thread = threading.Thread(target=collect, args=([tmp_path], stop, seen), kwargs=limits)
    thread.start()
    time.sleep(2.5)
    stop.set()
    thread.join(10)
    assert len(seen) >= 2
    assert set(seen) == {0}


def test_a_folder_that_comes_back_is_watched(tmp_path: Path, stop: threading.Event) -> None:
    away = tmp_path / "away"
    seen: list[int] = []
    limits = {"quiet_seconds": 0.2, "max_seconds": 0.3}
    thread = threading.Thread(target=collect, args=([away], stop, seen), kwargs=limits)
    thread.start()
    time.sleep(1.0)
    away.mkdir()
    time.sleep(1.0)
    (away / "a.mp3").write_bytes(b"x")
    time.sleep(1.5)
    stop.set()
    thread.join(10)
    assert max(seen) > 0
