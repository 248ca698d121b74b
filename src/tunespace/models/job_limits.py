"""Limits of memory and computing time for one job of a worker process.

The system enforces them, where it can: a decoder that never returns cannot check a clock.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class JobLimits:
    """Limits of one job.

    Attributes:
        cpu_seconds: Maximum computing time, in seconds of one core.
        memory: Maximum memory beyond that of the idle process, in bytes.
    """

    cpu_seconds: float
    memory: int


@contextmanager
def limited(limits: JobLimits | None) -> Iterator[None]:
    """Limit what the current process may use within the block.

    A process that takes too long is ended by a signal; one that takes too much memory gets a
    ``MemoryError``. Windows has neither limit, macOS not that of memory.

    Args:
        limits: Limits; None for no limits.
    """
    if limits is None or sys.platform == "win32":
        yield
        return
    import resource

    _, hardest = resource.getrlimit(resource.RLIMIT_AS)
    size = _address_space()
    if size:
        most = size + limits.memory
        soft = most if hardest == resource.RLIM_INFINITY else min(most, hardest)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hardest))
    # The default action of its signal ends the process, whatever code is running.
    signal.setitimer(signal.ITIMER_PROF, limits.cpu_seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        if size:
            resource.setrlimit(resource.RLIMIT_AS, (hardest, hardest))


def is_time_limit(exit_code: int) -> bool:
    """Return whether a process was ended by its limit of computing time."""
    return sys.platform != "win32" and exit_code == -signal.SIGPROF


def is_kill(exit_code: int) -> bool:
    """Return whether a process was killed from outside, by a person or for lack of memory."""
    return sys.platform != "win32" and exit_code in (-signal.SIGKILL, -signal.SIGTERM)


def _address_space() -> int:
    """Return the size of the address space of this process in bytes; 0 if it is unknown."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 0
    import resource

    return pages * resource.getpagesize()
