"""Several processes that work with a model at once.

Own processes and not a pool: a file that crashes the decoder costs one process and one answer, and
a script that uses them needs no guard around its main part.
"""

import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tunespace.errors import ModelError

_COMMAND = "import sys; from tunespace.models.worker_process import serve; serve(*sys.argv[1:])"

JobResult = tuple[Any, Any]
"""A job and what came of it."""


@dataclass(frozen=True)
class WorkerCrash:
    """A job that ended the process that did it."""

    exit_code: int

    @property
    def reason(self) -> str:
        """As a clause for reports."""
        return f"ended the process that decoded it (exit code {self.exit_code})"


def run_jobs(
    jobs: Iterable[object], task: str, model: str, workers: int
) -> Generator[JobResult, None, None]:
    """Does a task for each job in several processes.

    Args:
        jobs: Whatever the task takes; not None.
        task: ``module:function``, called with a job and the model.
        model: Name or folder of the model; empty for a task that needs none.
        workers: Number of processes.

    Yields:
        Each job with its answer, or with ``WorkerCrash``, in the order in which they are done.

    Raises:
        ModelError: The model cannot be used.
    """
    left: queue.SimpleQueue[object] = queue.SimpleQueue()
    # Bounded, so that results wait here and not in memory when the store is slow.
    done: queue.Queue[JobResult | BaseException | None] = queue.Queue(4 * workers)
    for job in jobs:
        left.put(job)
    for _ in range(workers):
        left.put(None)
    stop = threading.Event()
    running: set[subprocess.Popen[bytes]] = set()
    threads = [
        threading.Thread(target=_feed, args=(left, done, (task, model), stop, running), daemon=True)
        for _ in range(workers)
    ]
    for thread in threads:
        thread.start()
    try:
        ended = 0
        while ended < workers:
            answer = done.get()
            if answer is None:
                ended += 1
            elif isinstance(answer, BaseException):
                raise answer
            else:
                yield answer
    finally:
        stop.set()
        for process in list(running):  # whoever stops must not wait for a three-hour mix
            process.kill()
        for thread in threads:
            while thread.is_alive():
                with suppress(queue.Empty):
                    done.get(timeout=0.05)


def _feed(
    left: "queue.SimpleQueue[object]",
    done: "queue.Queue[JobResult | BaseException | None]",
    what: tuple[str, str],
    stop: threading.Event,
    running: "set[subprocess.Popen[bytes]]",
) -> None:
    """Runs one worker process, and a new one when it crashed."""
    try:
        process = _start_process(what, running)
    except BaseException as error:  # noqa: BLE001 - raised again where the results are read
        done.put(error)
        done.put(None)
        return
    try:
        while not stop.is_set() and (job := left.get()) is not None:
            try:
                done.put((job, _request(process, job)))
            except (EOFError, OSError, pickle.UnpicklingError):
                running.discard(process)
                code = _stop_process(process)
                if stop.is_set():
                    break
                done.put((job, WorkerCrash(code)))
                process = _start_process(what, running)
    except BaseException as error:  # noqa: BLE001 - raised again where the results are read
        done.put(error)
    finally:
        running.discard(process)
        process.kill()
        _stop_process(process)
        done.put(None)


def _request(process: "subprocess.Popen[bytes]", job: object) -> object:
    if process.stdin is None:
        raise RuntimeError("a worker has no pipes")
    pickle.dump(job, process.stdin)
    process.stdin.flush()
    return _read_result(process)


def _read_result(process: "subprocess.Popen[bytes]") -> object:
    if process.stdout is None:
        raise RuntimeError("a worker has no pipes")
    return pickle.load(process.stdout)  # noqa: S301 - from our own process


def _stop_process(process: "subprocess.Popen[bytes]") -> int:
    """Closes the pipes of a process that ends, and waits for it."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # what was not written yet cannot be
                pipe.close()
    return process.wait()


def worker_environment(*, one_thread: bool) -> dict[str, str]:
    """The environment of a Python process that imports what this one does."""
    found = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return found | threads if one_thread else found


def _start_process(
    what: tuple[str, str], running: "set[subprocess.Popen[bytes]]"
) -> "subprocess.Popen[bytes]":
    """A process that is ready to work.

    Raises:
        ModelError: It cannot load the model.
    """
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-c", _COMMAND, *what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # There are as many processes as cores.
        env=worker_environment(one_thread=True),
        # An interrupt from the keyboard is the parent's to handle. Not a session of its own: Linux
        # shares the processor among sessions first, and how nice a process is counts within one.
        process_group=0,
    )
    running.add(process)
    try:
        ready = _read_result(process)
    except (EOFError, OSError, pickle.UnpicklingError):
        ready = (
            f"{what[1]} cannot be loaded: it ended its process (exit code {_stop_process(process)})"
        )
    if ready is not None:
        running.discard(process)
        process.kill()
        _stop_process(process)
        raise ModelError(str(ready))
    return process
