"""Read files in worker processes with limits: the server itself parses and decodes nothing."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tunespace.errors import AudioError
from tunespace.library.file_jobs import TASK, CoverArtJob, FileJobError, PeaksJob
from tunespace.library.index.embed_files import limits_of_file
from tunespace.models.job_limits import JobLimits
from tunespace.models.worker_pool import WorkerCrash, WorkerProcess

# Searches need the other cores.
_WORKERS = 2
# Of computing time; long mixes on a small computer take longer than a song.
_MAX_CPU_SECONDS = 120.0
# A disk that does not answer uses no computing time.
_MAX_SECONDS = 180.0


class FileReader:
    """Runs jobs on files, a few at a time, each in one of a few worker processes."""

    def __init__(self, limits: JobLimits | None = None) -> None:
        """Take the limits of a job; None for limits that grow with the size of its file.

        Processes are started when they are needed.
        """
        self._limits = limits
        self._threads = ThreadPoolExecutor(_WORKERS, thread_name_prefix="file")
        self._local = threading.local()
        self._processes: set[WorkerProcess] = set()
        self._lock = threading.Lock()
        self._is_closed = False

    async def run(self, job: CoverArtJob | PeaksJob) -> Any:  # noqa: ANN401 - depends on the job
        """Return the result of a job.

        Raises:
            AudioError: The file cannot be read, or not within the limits.
        """
        loop = asyncio.get_running_loop()
        result = await loop.run_in_executor(self._threads, self._run, job)
        if isinstance(result, WorkerCrash | FileJobError):
            raise AudioError(Path(job.path), result.reason)
        return result

    def close(self) -> None:
        """End the processes; running jobs fail."""
        with self._lock:
            self._is_closed = True
            for process in self._processes:
                process.kill()
        self._threads.shutdown(cancel_futures=True)
        for process in self._processes:
            process.stop()

    def _run(self, job: CoverArtJob | PeaksJob) -> Any:  # noqa: ANN401 - depends on the job
        process: WorkerProcess = getattr(self._local, "process", None) or self._start()
        self._local.process = process
        timer = threading.Timer(_MAX_SECONDS, process.kill)
        timer.start()
        try:
            result = process.run(job, self._limits or _limits_of(job.path))
        finally:
            timer.cancel()
        if isinstance(result, WorkerCrash):
            self._local.process = None
            with self._lock:
                self._processes.discard(process)
        return result

    def _start(self) -> WorkerProcess:
        with self._lock:
            if self._is_closed:
                raise AudioError(Path(), "cannot be read: the server is being stopped")
            process = WorkerProcess(TASK, "")
            self._processes.add(process)
        process.wait_until_ready()
        return process


def _limits_of(path: str) -> JobLimits:
    limits = limits_of_file(path)
    return JobLimits(min(limits.cpu_seconds, _MAX_CPU_SECONDS), limits.memory)
