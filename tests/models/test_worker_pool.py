from pathlib import Path

import pytest

import tiny_model
from tunespace.errors import ModelError
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
