from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import save_file

from tiny_taggers import fcn_weights
from tunespace.training.bundled.distillation.augment import Augmentation
from tunespace.training.bundled.distillation.excerpts import draw_excerpts
from tunespace.training.bundled.distillation.export import export_audio_tower
from tunespace.training.bundled.distillation.low_rank import Sizes, compress
from tunespace.training.bundled.distillation.segments import Spectrograms
from tunespace.training.bundled.distillation.student import Student, at_common_level
from tunespace.training.bundled.distillation.teachers import FCN_FRONT_END, load_fcn
from tunespace.training.bundled.distillation.train_student import (
    StudentSchedule,
    held_out_tracks,
    train_student,
)

# Lightning warns of what a small run on a CPU cannot have.
pytestmark = pytest.mark.filterwarnings("ignore")

SEGMENTS = 48
TRACKS = np.array([f"track-{n // 3}" for n in range(SEGMENTS)])
SCHEDULE = StudentSchedule(epochs=6, batch=8, window=320, each=2, held_out=4, precision="32-true")


def spectrograms() -> Spectrograms:
    """Segments whose level in the lower and the upper bands can be heard."""
    random = np.random.default_rng(0)
    values = random.integers(150, 160, (SEGMENTS, 340, 96), dtype=np.uint8)
    values[::2, :, :48] += 40
    values[1::3, :, 48:] += 30
    return Spectrograms(values, np.ones(SEGMENTS, bool), FCN_FRONT_END)


def student(folder: Path) -> Student:
    """A teacher made small, and a head for two outputs more."""
    torch.manual_seed(0)
    save_file(fcn_weights(0), folder / "one-fcn.safetensors")
    fcn = load_fcn(folder / "one-fcn.safetensors")
    windows = torch.rand(16, 320, 96) * 60 - 40
    small = compress(fcn, windows, Sizes(6, {1: 6, 2: 6}), 0)
    return Student([small], torch.zeros(7), torch.ones(7)).eval()


def test_student_training_improves_and_can_be_resumed(tmp_path: Path) -> None:
    held_out = held_out_tracks(TRACKS, SCHEDULE)
    music = spectrograms()
    excerpts = draw_excerpts(
        music.readable, held_out, 340, window=320, each=2, mixed=0.0, seed=SCHEDULE.seed
    )
    fcn = load_fcn_of(tmp_path)
    windows = np.stack([excerpts.decibels(music, row, 320) for row in range(len(excerpts))])
    with torch.no_grad():
        held = fcn(at_common_level(torch.from_numpy(windows))).numpy()
    low = np.where(excerpts.rows % 2 == 0, 1, -1)
    high = np.where(excerpts.rows % 3 == 1, 1.5, -0.7)
    targets = np.column_stack([held, low, high]).astype(np.float32)

    def learn() -> tuple[Student, dict[str, float]]:
        return train_student(
            student(tmp_path), music, excerpts, targets, SCHEDULE, tmp_path / "run"
        )

    learned, figures = learn()
    assert figures["held_out_r"] > 0.7
    again, same = learn()
    assert same == pytest.approx(figures)
    window = torch.from_numpy(windows[:2])
    with torch.no_grad():
        torch.testing.assert_close(again(window), learned(window))


def load_fcn_of(folder: Path) -> torch.nn.Module:
    student(folder)
    return load_fcn(folder / "one-fcn.safetensors")


def test_held_out_tracks_are_whole_and_the_same_each_time() -> None:
    held_out = held_out_tracks(TRACKS, SCHEDULE)
    assert held_out.sum() == 12
    assert not set(TRACKS[held_out]) & set(TRACKS[~held_out])
    np.testing.assert_array_equal(held_out, held_out_tracks(TRACKS, SCHEDULE))


def test_the_exported_tower_equals_the_student(tmp_path: Path) -> None:
    network = student(tmp_path)
    random = np.random.default_rng(0)
    weights = random.normal(size=(7, 4)).astype(np.float32)
    intercept = random.normal(size=4).astype(np.float32)
    export_audio_tower(network, weights, intercept, 320, 96, tmp_path / "audio.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "audio.onnx")
    log_mel = random.uniform(-80, 50, (3, 320, 96)).astype(np.float32)
    found = session.run(None, {"log_mel": log_mel})[0]
    with torch.no_grad():
        expected = network(torch.from_numpy(log_mel)).numpy() @ weights + intercept
    assert found.shape == (3, 4)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_the_level_of_a_recording_does_not_change_the_output(tmp_path: Path) -> None:
    network = student(tmp_path)
    log_mel = torch.rand(2, 320, 96, generator=torch.Generator().manual_seed(1)) * 50 - 30
    with torch.no_grad():
        torch.testing.assert_close(network(log_mel - 12), network(log_mel), atol=1e-3, rtol=1e-3)


def test_augmentation_moves_the_level_and_the_tilt_within_the_range() -> None:
    log_mel = torch.zeros(64, 4, 96)
    random = torch.Generator().manual_seed(0)
    still = Augmentation(gain_db=0, tilt_db=0)
    torch.testing.assert_close(still(log_mel, random, range_db=(-100, 50)), log_mel)
    moved = Augmentation(gain_db=5, tilt_db=2)(log_mel, random, range_db=(-100, 50))
    assert 3 < float(moved.mean(dim=(1, 2)).std()) < 7
    assert 1 < float((moved[:, 0, -1] - moved[:, 0, 0]).std() / 2) < 3
    loud = Augmentation(gain_db=200, tilt_db=0)(log_mel, random, range_db=(-100, 50))
    assert loud.min() >= -100
    assert loud.max() <= 50
