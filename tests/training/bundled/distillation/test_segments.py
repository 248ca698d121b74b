from pathlib import Path

import numpy as np
import pytest

import sounds
from tunespace.audio import LogMel, decode
from tunespace.training.bundled.distillation.segments import (
    Segments,
    Spectrograms,
    make_spectrograms,
)

FRONT_END = LogMel(n_mels=8)
FRAMES = 29 * 50


def segments_of(folder: Path, segments: list[tuple[str, float]]) -> Segments:
    np.savez(
        folder / "segments.npz",
        path=np.array([path for path, _ in segments]),
        start=np.array([start for _, start in segments]),
    )
    return Segments.load(folder / "segments.npz")


def make(folder: Path, segments: Segments) -> Spectrograms:
    return make_spectrograms(segments, folder, FRONT_END, folder / "cache", workers=1)


def test_segments_are_cut_where_they_start_and_short_files_repeat(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 40 * 16_000).astype(np.float32)
    sounds.wav(tmp_path / "long.wav", noise)
    sounds.wav(tmp_path / "short.wav", noise[: 5 * 16_000])
    segments = segments_of(tmp_path, [("long.wav", 0.0), ("long.wav", 10.0), ("short.wav", 0.0)])
    made = make(tmp_path, segments)
    assert made.readable.all()
    assert made.values.shape == (3, FRAMES, 8)
    whole = FRONT_END(decode(tmp_path / "long.wav", 16_000))
    decibels = made.values[1] * (130 / 255) - 80
    np.testing.assert_allclose(decibels, whole[500 : 500 + FRAMES], atol=0.26)
    np.testing.assert_array_equal(made.values[2, :200], made.values[2, 251:451])


def test_missing_and_broken_files_are_left_out_and_reported(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sounds.wav(tmp_path / "good.wav", sounds.tone(1.0, 16_000))
    (tmp_path / "text.ogg").write_text("no music")
    segments = segments_of(tmp_path, [("good.wav", 0.0), ("text.ogg", 0.0), ("gone.ogg", 0.0)])
    assert make(tmp_path, segments).readable.tolist() == [True, False, False]
    output = capfd.readouterr().out
    assert "text.ogg: is not audio" in output
    assert "gone.ogg: does not exist" in output


def test_computed_tables_are_reused(tmp_path: Path) -> None:
    sounds.wav(tmp_path / "good.wav", sounds.tone(1.0, 16_000))
    segments = segments_of(tmp_path, [("good.wav", 0.0)])
    first = make(tmp_path, segments).values.copy()
    (tmp_path / "good.wav").unlink()
    np.testing.assert_array_equal(make(tmp_path, segments).values, first)


def test_a_cache_of_other_segments_is_refused(tmp_path: Path) -> None:
    make(tmp_path, segments_of(tmp_path, [("gone.wav", 0.0)]))
    with pytest.raises(ValueError, match="another cache"):
        make(tmp_path, segments_of(tmp_path, [("gone.wav", 0.0), ("gone.wav", 1.0)]))
