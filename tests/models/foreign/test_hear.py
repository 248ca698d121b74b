"""HEAR's own validator, and what it does not look at."""

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

import sounds
import tiny_model
from tunespace.models.foreign import hear


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_model.make(tmp_path / "tiny")


@pytest.fixture
def validator(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The validator asks tensorflow only whether a model is one of its own: ours are not."""
    tensorflow = ModuleType("tensorflow")
    tensorflow.Module = type("Module", (), {})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow)
    return importlib.import_module("hearvalidator.validate")


def test_the_validator_accepts_it(folder: Path, validator: ModuleType) -> None:
    validator.ValidateModel("tunespace.models.foreign.hear", str(folder), device="cpu")()


def test_a_scene_embedding_equals_that_of_its_file(folder: Path, tmp_path: Path) -> None:
    model = hear.load_model(str(folder))
    tone = 0.5 * sounds.tone(2.0, 48_000, 300.0)
    path = sounds.write(tmp_path / "tone.wav", tone[None], 48_000, "pcm_f32le")
    found = hear.get_scene_embeddings(torch.from_numpy(tone[None].astype(np.float32)), model)
    np.testing.assert_allclose(found[0], model.model.embed_file(path).vector, atol=1e-5)


def test_moments_follow_the_sound(folder: Path) -> None:
    model = hear.load_model(str(folder), hop_ms=500)
    low, high = (0.5 * sounds.tone(3.0, 48_000, hertz) for hertz in (100.0, 3000.0))
    audio = torch.from_numpy(np.concatenate([low, high])[None].astype(np.float32))
    found, times = hear.get_timestamp_embeddings(audio, model)
    assert times[0].tolist() == [500.0 * n for n in range(12)]
    early, late = found[0, 1], found[0, 10]
    ends = [hear.get_scene_embeddings(part, model)[0] for part in audio.chunk(2, dim=1)]
    assert early @ ends[0] > early @ ends[1]
    assert late @ ends[1] > late @ ends[0]


def test_the_default_model_and_impossible_moments() -> None:
    model = hear.load_model(os.environ.get("TUNESPACE_MODEL", ""))
    assert model.scene_embedding_size == model.timestamp_embedding_size == model.model.dim
    with pytest.raises(ValueError, match="must be positive, not 0"):
        hear.load_model(hop_ms=0)
