"""Run jobs with a model in several processes.

Separate processes instead of a pool: a file that crashes the decoder costs one process and one
result, and a script that indexes needs no ``if __name__ == "__main__"`` guard.
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
"""A job and its result."""


@dataclass(frozen=True)
class WorkerCrash:
    """Job that ended its worker process."""

    exit_code: int

    @property
    def reason(self) -> str:
        """Cause, as a clause for reports."""
        return f"crashed its worker process (exit code {self.exit_code})"


def run_jobs(
    jobs: Iterable[object], task: str, model: str, workers: int
) -> Generator[JobResult, None, None]:
    """Run a task for each job in several processes.

    Args:
        jobs: Arguments of the task; not None.
        task: ``module:function``, called with a job and the model.
        model: Name or folder of the model; empty for a task that needs none.
        workers: Number of processes.

    Yields:
        Each job with its result, or with ``WorkerCrash``, in the order of completion.

    Raises:
        ModelError: The model cannot be used.
    """
    left: queue.SimpleQueue[object] = queue.SimpleQueue()
    # Bounded, so that jobs wait here and results do not pile up when the store is slow.
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
        for process in list(running):  # stopping must not wait for a three-hour mix
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
    """Feed jobs to one worker process, and start a new one after a crash."""
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
    """Close the pipes of a process that ends, and wait for it."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # unwritten input cannot be flushed
                pipe.close()
    return process.wait()


def worker_environment(*, one_thread: bool) -> dict[str, str]:
    """Return the environment of a Python process with the import path of this one."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return environment | threads if one_thread else environment


def _start_process(
    what: tuple[str, str], running: "set[subprocess.Popen[bytes]]"
) -> "subprocess.Popen[bytes]":
    """Start a worker process and wait until it is ready.

    Raises:
        ModelError: The process cannot load the model.
    """
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-c", _COMMAND, *what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # There are as many processes as cores.
        env=worker_environment(one_thread=True),
        # The parent handles keyboard interrupts. No session of its own: Linux shares the CPU among
        # sessions first, and niceness counts within a session only.
        process_group=0,
    )
    running.add(process)
    try:
        ready = _read_result(process)
    except (EOFError, OSError, pickle.UnpicklingError):
        code = _stop_process(process)
        ready = f"{what[1]} cannot be loaded: the worker process crashed (exit code {code})"
    if ready is not None:
        running.discard(process)
        process.kill()
        _stop_process(process)
        raise ModelError(str(ready))
    return process
