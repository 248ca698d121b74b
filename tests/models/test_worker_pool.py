import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import tiny_model
from tunespace.errors import ModelError
from tunespace.models.job_limits import JobLimits
from tunespace.models.worker_pool import WorkerCrash, run_jobs


def test_each_job_is_done_once(tmp_path: Path) -> None:
    folder = tiny_model.make(tmp_path / "model")
    done = list(run_jobs([1, 2, 3], "tasks:double", str(folder), 2))
    assert sorted(done) == [(1, 2), (2, 4), (3, 6)]


def test_a_job_that_crashes_its_process_affects_only_itself(tmp_path: Path) -> None:
    folder = tiny_model.make(tmp_path / "model")
    done = dict(run_jobs([1, -7, 3], "tasks:double", str(folder), 1))
    assert done == {1: 2, -7: WorkerCrash(7), 3: 6}


def test_a_model_that_cannot_be_loaded_is_one_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tiny_model.make(tmp_path / "model")
    (folder / "audio.onnx").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"audio\.onnx"):
        list(run_jobs(range(1, 400), "tasks:double", str(folder), 2))
    assert "Traceback" not in capfd.readouterr().err


def test_a_process_that_cannot_start_is_an_error(tmp_path: Path) -> None:
    folder = tiny_model.make(tmp_path / "model")
    with pytest.raises(ModelError, match="worker process crashed"):
        list(run_jobs([1], "no_such_module:double", str(folder), 1))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limits of a process")
def test_a_job_has_a_limit_of_computing_time() -> None:
    def limits(_job: float) -> JobLimits:
        return JobLimits(cpu_seconds=0.5, memory=2**30)

    done = dict(run_jobs([60.0, 0.1, 0.2, 0.3], "tasks:spin", "", 1, limits=limits))
    # The limit is that of one job: three others take more together.
    assert {job: done[job] for job in (0.1, 0.2, 0.3)} == {0.1: 0.1, 0.2: 0.2, 0.3: 0.3}
    crash = done[60.0]
    assert isinstance(crash, WorkerCrash)
    assert (crash.reason, crash.is_transient) == ("takes too long to decode for its size", False)


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of memory needs Linux")
def test_a_job_has_a_limit_of_memory() -> None:
    def limits(_job: int) -> JobLimits:
        return JobLimits(cpu_seconds=60, memory=2**28)

    done = dict(run_jobs([2**30, 2**20], "tasks:allocate", "", 1, limits=limits))
    assert done == {2**30: "refused", 2**20: "granted"}


def test_a_worker_that_is_killed_from_outside_says_nothing_about_its_job() -> None:
    assert WorkerCrash(-9).is_transient
    assert not WorkerCrash(-11).is_transient
    assert not WorkerCrash(1).is_transient


@pytest.mark.skipif(os.name == "nt", reason="a process keeps its parent's number on Windows")
def test_a_worker_ends_with_its_killed_parent(tmp_path: Path) -> None:
    written = tmp_path / "pid"
    program = (
        "from tunespace.models.worker_pool import run_jobs\n"
        "list(run_jobs([60.0], 'tasks:sleep', '', 1))\n"
    )
    environment = os.environ | {"TUNESPACE_TEST_PID": str(written)}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    parent = subprocess.Popen([sys.executable, "-c", program], env=environment)  # noqa: S603
    wait_until(lambda: written.exists() and written.read_text() != "")
    worker = int(written.read_text())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_until(lambda: not is_running(worker))


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
        # A process that has ended stays in the table until its parent asks for its exit code.
        status = Path(f"/proc/{process}/stat")
        return not status.exists() or ") Z " not in status.read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
