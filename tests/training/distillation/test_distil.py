from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from tunespace.audio import LogMel
from tunespace.training.distillation.augment import Augmentation
from tunespace.training.distillation.distil import Schedule, distil, held_out_tracks
from tunespace.training.distillation.export import export_audio_tower
from tunespace.training.distillation.segments import Spectrograms
from tunespace.training.distillation.student import Student

# Lightning warns of what a small run on a CPU cannot have.
pytestmark = pytest.mark.filterwarnings("ignore")

SEGMENTS = 36
TRACKS = np.array([f"track-{n // 3}" for n in range(SEGMENTS)])


def spectrograms() -> Spectrograms:
    """Segments whose level in the lower and the upper bands can be heard."""
    random = np.random.default_rng(0)
    values = random.integers(80, 90, (SEGMENTS, 150, 64), dtype=np.uint8)
    values[::2, :, :32] += 80
    values[1::3, :, 32:] += 60
    return Spectrograms(values, np.ones(SEGMENTS, bool), LogMel())


def targets() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    low = np.where(np.arange(SEGMENTS) % 2 == 0, 1, -1)
    high = np.where(np.arange(SEGMENTS) % 3 == 1, 1.5, -0.7)
    return np.stack([low, high], axis=1).astype(np.float32)


SCHEDULE = Schedule(epochs=12, batch=8, window=100, held_out=4)


def test_a_student_learns_and_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    student, figures = distil(spectrograms(), TRACKS, targets(), SCHEDULE, tmp_path)
    assert figures["held_out_r"] > 0.7
    again, same = distil(spectrograms(), TRACKS, targets(), SCHEDULE, tmp_path)
    assert same == pytest.approx(figures)
    heard = torch.zeros(1, 100, 64)
    with torch.no_grad():
        torch.testing.assert_close(again(heard), student(heard))


def test_held_out_tracks_are_whole_and_the_same_each_time() -> None:
    held_out = held_out_tracks(TRACKS, SCHEDULE)
    assert held_out.sum() == 9
    assert not set(TRACKS[held_out]) & set(TRACKS[~held_out])
    np.testing.assert_array_equal(held_out, held_out_tracks(TRACKS, SCHEDULE))


def test_the_exported_tower_says_what_the_student_says(tmp_path: Path) -> None:
    torch.manual_seed(0)
    student = Student(6).eval()
    weights = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    export_audio_tower(student, weights, 100, 64, tmp_path / "audio.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "audio.onnx")
    log_mel = np.random.default_rng(1).uniform(-80, 50, (3, 100, 64)).astype(np.float32)
    found = session.run(None, {"log_mel": log_mel})[0]
    with torch.no_grad():
        expected = student(torch.from_numpy(log_mel)).numpy() @ weights
    assert found.shape == (3, 4)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_student_has_the_size_it_is_said_to_have() -> None:
    assert sum(p.numel() for p in Student(250).parameters()) == pytest.approx(870_000, rel=0.02)


def changed(augmentation: Augmentation, log_mel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    answers = torch.eye(len(log_mel))
    random = torch.Generator().manual_seed(0)
    return augmentation(log_mel, answers, random, range_db=(-80.0, 50.0), hidden_db=-30.0)


STILL = Augmentation(gain_db=0, tilt_db=0, masked_share=0, mixup=1e-3)


def test_without_strength_nothing_changes() -> None:
    log_mel = torch.rand(4, 10, 64) * 100 - 60
    heard, answers = changed(STILL, log_mel)
    torch.testing.assert_close(heard, log_mel, atol=0.2, rtol=0)
    torch.testing.assert_close(answers, torch.eye(4), atol=0.02, rtol=0)


def test_mixed_clips_have_mixed_answers_and_the_louder_share_first() -> None:
    levels = torch.tensor([-60.0, -30.0, 0.0, 30.0])
    log_mel = levels[:, None, None].expand(4, 10, 64).clone()
    mixing = Augmentation(gain_db=0, tilt_db=0, masked_share=0, mixup=1.0)
    heard, answers = changed(mixing, log_mel)
    torch.testing.assert_close(answers.sum(dim=1), torch.ones(4))
    assert (answers.diagonal() >= 0.5).all()
    expected = 10 * torch.log10(answers @ torch.pow(10.0, levels / 10))
    torch.testing.assert_close(heard[:, 0, 0], expected, atol=1e-3, rtol=0)


def test_masked_bands_are_neighbours() -> None:
    always = Augmentation(gain_db=0, tilt_db=0, masked_share=1, masked_bands=8, mixup=1e-3)
    heard, _ = changed(always, torch.full((2, 10, 64), 20.0))
    hidden = torch.nonzero((heard == -30).all(dim=1).all(dim=0)).flatten()
    assert hidden.tolist() == list(range(int(hidden[0]), int(hidden[0]) + 8))


def test_gain_stays_within_what_the_front_end_gives() -> None:
    loud = Augmentation(gain_db=100, tilt_db=0, masked_share=0, mixup=1e-3)
    heard, _ = changed(loud, torch.zeros(8, 10, 64))
    assert heard.min() >= -80
    assert heard.max() <= 50
