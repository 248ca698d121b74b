"""Tasks for the tests of processes; they are imported by name."""

import os


def double(job: int, _model: object) -> int:
    if job < 0:
        os._exit(-job)
    return 2 * job
