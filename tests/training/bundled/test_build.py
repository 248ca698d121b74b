"""The audio tower of the bundled model, from music to a graph, on taggers of random weights."""

import json
from pathlib import Path

import numpy as np
import pytest

import sounds
from tiny_taggers import write_taggers
from tunespace.models.onnx_towers import open_session
from tunespace.training.bundled.build import DIRECTIONS, HELD, IMITATED, Sources, make_audio_tower
from tunespace.training.bundled.distillation.train_student import StudentSchedule

# Lightning and the exporter warn of what a small run on a CPU cannot have.
pytestmark = pytest.mark.filterwarnings("ignore")

SCHEDULE = StudentSchedule(epochs=1, batch=4, window=320, each=2, held_out=3, precision="32-true")
CONCEPTS = {"one": {"tags": {"msd": ["a"], "jamendo": ["a"]}}, "two": {"tags": {"mtat": ["b"]}}}


def sources(folder: Path) -> Sources:
    music = folder / "music"
    music.mkdir()
    names = [f"{number}.wav" for number in range(6)]
    for number, name in enumerate(names):
        noise = np.random.default_rng(number).normal(scale=0.02, size=12 * 16_000)
        tone = sounds.tone(12.0, 16_000, 200.0 * (number + 1))
        sounds.wav(music / name, (tone + noise).astype(np.float32))
    np.savez(folder / "segments.npz", path=np.array([*names, "gone.wav"]), start=np.zeros(7))
    write_taggers(folder, (*HELD, *IMITATED))
    tags = {name: list("abcde") for name in ("msd", "jamendo", "mtat")}
    (folder / "tags.json").write_text(json.dumps(tags))
    (folder / "concepts.json").write_text(json.dumps(CONCEPTS))
    return Sources(
        music=music,
        segments=folder / "segments.npz",
        teachers=folder,
        tags=folder / "tags.json",
        lexicon=folder,
        encoder=folder,
        strong_encoder=folder,
        vectors=folder / "vectors.txt",
    )


def test_the_bundled_model_is_built_and_resumed(tmp_path: Path) -> None:
    made, run = sources(tmp_path), tmp_path / "run"
    figures = make_audio_tower(made, run, tmp_path, SCHEDULE, workers=1)
    assert figures["segments"] == 6
    assert figures["segments_missing"] == 1
    assert figures["segments_held_out"] == 1  # of the two drawn, one is the missing one
    assert figures["excerpts"] == 12 + 10  # windows, and as many mixtures as are learned from
    session = open_session(tmp_path / "audio.onnx")
    dim = session.get_outputs()[0].shape[1]
    assert len(CONCEPTS) < dim <= len(CONCEPTS) + DIRECTIONS
    log_mel = np.random.default_rng(0).uniform(-60, 30, (2, 320, 96)).astype(np.float32)
    points = session.run(None, {"log_mel": log_mel})[0]
    assert np.isfinite(points).all()
    reference = np.load(tmp_path / "reference.npy")
    assert reference.shape == (6, dim)
    np.testing.assert_allclose(np.linalg.norm(reference.astype(float), axis=1), 1, atol=1e-2)

    for file in made.music.iterdir():
        file.unlink()  # what was made is kept: nothing is heard again
    again = make_audio_tower(made, run, tmp_path, SCHEDULE, workers=1)
    assert again == pytest.approx(figures)
