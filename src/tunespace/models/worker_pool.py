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
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tunespace.errors import ModelError
from tunespace.models.job_limits import JobLimits, is_kill, is_time_limit

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
        if is_time_limit(self.exit_code):
            return "takes too long to decode for its size"
        if self.is_transient:
            return "cannot be read now: its worker process was killed"
        return f"crashed its worker process (exit code {self.exit_code})"

    @property
    def is_transient(self) -> bool:
        """True if the process was killed from outside."""
        return is_kill(self.exit_code)


class WorkerProcess:
    """Process that runs one task with a model, job after job."""

    def __init__(self, task: str, model: str) -> None:
        """Start the process.

        Args:
            task: ``module:function``, called with a job and the model.
            model: Name or folder of the model; empty for a task that needs none.
        """
        self._model = model
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-c", _COMMAND, task, model],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # There are as many processes as cores.
            env=worker_environment(one_thread=True),
            # The parent handles keyboard interrupts. No session of its own: Linux shares the CPU
            # among sessions first, and niceness counts within a session only.
            process_group=0,
        )

    def wait_until_ready(self) -> None:
        """Wait until the model is loaded.

        Raises:
            ModelError: The process cannot load the model.
        """
        try:
            error = self._read()
        except (EOFError, OSError, pickle.UnpicklingError):
            code = self.stop()
            error = f"{self._model} cannot be loaded: the worker process crashed (exit code {code})"
        if error is not None:
            self.stop()
            raise ModelError(str(error))

    def run(self, job: object, limits: JobLimits | None = None) -> Any:  # noqa: ANN401 - any result
        """Return the result of a job, or ``WorkerCrash``; the process has ended then.

        Args:
            job: Argument of the task.
            limits: Limits of memory and computing time; None for no limits.
        """
        try:
            if self._process.stdin is None:
                raise RuntimeError("a worker has no pipes")
            pickle.dump((job, limits), self._process.stdin)
            self._process.stdin.flush()
            return self._read()
        except (EOFError, OSError, pickle.UnpicklingError):
            return WorkerCrash(self.stop())

    def kill(self) -> None:
        """End the process at once; a running job returns ``WorkerCrash``."""
        self._process.kill()

    def stop(self) -> int:
        """Close the pipes, wait until the process has ended, and return its exit code."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):  # unwritten input cannot be flushed
                    pipe.close()
        return self._process.wait()

    def _read(self) -> Any:  # noqa: ANN401 - any result
        if self._process.stdout is None:
            raise RuntimeError("a worker has no pipes")
        return pickle.load(self._process.stdout)  # noqa: S301 - from our own process


def run_jobs(
    jobs: Iterable[object],
    task: str,
    model: str,
    workers: int,
    *,
    limits: Callable[[Any], JobLimits] | None = None,
) -> Generator[JobResult, None, None]:
    """Run a task for each job in several processes.

    Args:
        jobs: Arguments of the task; not None.
        task: ``module:function``, called with a job and the model.
        model: Name or folder of the model; empty for a task that needs none.
        workers: Number of processes.
        limits: Returns the limits of a job; None for no limits.

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
    run = _Run(left, done, task, model, limits)
    threads = [threading.Thread(target=run.feed, daemon=True) for _ in range(workers)]
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
        run.is_stopped.set()
        for process in list(run.processes):  # stopping must not wait for a three-hour mix
            process.kill()
        for thread in threads:
            while thread.is_alive():
                with suppress(queue.Empty):
                    done.get(timeout=0.05)


class _Run:
    """Threads that each feed jobs to one worker process."""

    def __init__(
        self,
        left: "queue.SimpleQueue[object]",
        done: "queue.Queue[JobResult | BaseException | None]",
        task: str,
        model: str,
        limits: Callable[[Any], JobLimits] | None,
    ) -> None:
        self._left = left
        self._done = done
        self._task, self._model = task, model
        self._limits = limits
        self.is_stopped = threading.Event()
        self.processes: set[WorkerProcess] = set()

    def feed(self) -> None:
        """Feed jobs to one worker process, and start a new one after a crash."""
        process: WorkerProcess | None = None
        try:
            process = self._start()
            while not self.is_stopped.is_set() and (job := self._left.get()) is not None:
                result = process.run(job, self._limits(job) if self._limits else None)
                if isinstance(result, WorkerCrash):
                    self.processes.discard(process)
                    if self.is_stopped.is_set():
                        break
                    self._done.put((job, result))
                    process = self._start()
                else:
                    self._done.put((job, result))
        except BaseException as error:  # noqa: BLE001 - raised again where the results are read
            self._done.put(error)
        finally:
            if process is not None:
                self.processes.discard(process)
                process.kill()
                process.stop()
            self._done.put(None)

    def _start(self) -> WorkerProcess:
        process = WorkerProcess(self._task, self._model)
        self.processes.add(process)
        process.wait_until_ready()
        return process


def worker_environment(*, one_thread: bool) -> dict[str, str]:
    """Return the environment of a Python process with the import path of this one."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    environment.pop("TUNESPACE_TOKEN", None)  # decoders read files that may take control of them
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return environment | threads if one_thread else environment
