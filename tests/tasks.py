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
