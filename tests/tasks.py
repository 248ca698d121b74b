"""Tasks for the tests of processes; they are imported by name."""

import os
import time
from pathlib import Path


def double(job: int, _model: object) -> int:
    if job < 0:
        os._exit(-job)
    return 2 * job


def sleep(seconds: float, _model: object) -> float:
    """Write the id of the process into a file named by ``TUNESPACE_TEST_PID``, and sleep."""
    Path(os.environ["TUNESPACE_TEST_PID"]).write_text(str(os.getpid()))
    time.sleep(seconds)
    return seconds


def spin(seconds: float, _model: object) -> float:
    """Compute for some seconds."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return seconds


def allocate(size: int, _model: object) -> str:
    """Allocate memory, and return whether it was granted."""
    try:
        bytearray(size)
    except MemoryError:
        return "refused"
    return "granted"
