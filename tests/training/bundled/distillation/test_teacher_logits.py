from pathlib import Path

import numpy as np
import pytest
import torch

from tiny_taggers import write_taggers
from tunespace.training.bundled.distillation.excerpts import Excerpts, draw_excerpts
from tunespace.training.bundled.distillation.segments import Spectrograms
from tunespace.training.bundled.distillation.teacher_logits import (
    LEVEL_DB,
    Teacher,
    level_of,
    teacher_logits,
)
from tunespace.training.bundled.distillation.teachers import (
    FCN_FRONT_END,
    MUSICNN_FRONT_END,
    load_fcn,
    load_musicnn,
)

# Exporting a graph warns of what the exporter will do one day.
pytestmark = pytest.mark.filterwarnings("ignore")

WINDOW = 400
NAMES = ("one-fcn", "two-musicnn")
HEARD = np.ones(3, bool)


def spectrograms(seed: int) -> Spectrograms:
    values = np.random.default_rng(seed).integers(60, 200, (3, 450, 96), dtype=np.uint8)
    return Spectrograms(values, HEARD, MUSICNN_FRONT_END if seed else FCN_FRONT_END)


def excerpts() -> Excerpts:
    none = np.zeros(3, bool)
    return draw_excerpts(HEARD, none, 450, window=WINDOW, each=1, mixed=1.0, seed=0)


def answers(folder: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    teachers = [Teacher(name, folder / f"{name}.safetensors") for name in NAMES]
    cache = folder / "cache"
    music = spectrograms(0), spectrograms(1)
    return teacher_logits(teachers, excerpts(), *music, WINDOW, cache, workers=1)


def test_the_graphs_equal_the_networks(tmp_path: Path) -> None:
    write_taggers(tmp_path, NAMES)
    logits = answers(tmp_path)
    assert logits.shape == (6, 10)
    htk = excerpts().decibels(spectrograms(0), 4, WINDOW)
    slaney = excerpts().decibels(spectrograms(1), 4, WINDOW) + np.float32(level_of(htk))
    parts = torch.from_numpy(np.stack([slaney[:187], slaney[213:]]))
    with torch.no_grad():
        fcn = load_fcn(tmp_path / "one-fcn.safetensors")
        window = torch.from_numpy(htk)[None] + level_of(htk)
        np.testing.assert_allclose(logits[4, :5], fcn(window)[0], atol=1e-3)
        musicnn = load_musicnn(tmp_path / "two-musicnn.safetensors")
        np.testing.assert_allclose(logits[4, 5:], musicnn(parts).mean(0), atol=1e-3)


def test_generated_captions_are_kept_and_only_the_rest_is_generated(tmp_path: Path) -> None:
    write_taggers(tmp_path, NAMES)
    first = answers(tmp_path)
    path = tmp_path / "cache" / "answers.npy"
    kept = np.load(path)
    kept[0] = np.nan
    np.save(path, kept)
    np.testing.assert_array_equal(answers(tmp_path), first)
    np.save(path, kept[:3])
    with pytest.raises(ValueError, match="another cache"):
        answers(tmp_path)


def test_a_window_is_brought_to_the_common_level_and_silence_is_not() -> None:
    loud = np.full((10, 96), 20.0, np.float32)
    assert level_of(loud) == pytest.approx(LEVEL_DB - 20, abs=1e-3)
    assert level_of(np.full((10, 96), -100.0, np.float32)) == 40.0
