from pathlib import Path

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from tunespace.evaluation.probes import (
    hubness,
    loudness,
    modality_gap,
    mp3_coding,
    same_file_same_vector,
    spread,
    window_offset,
)
from tunespace.models import Model


def normalize_rows(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@pytest.fixture
def points() -> np.ndarray:
    return normalize_rows(np.random.default_rng(0).normal(size=(400, 32)))


def test_spread_of_a_collapsed_space_is_zero(points: np.ndarray) -> None:
    assert spread(points).mean == pytest.approx(0, abs=0.01)
    assert spread(points).std == pytest.approx(1 / np.sqrt(32), rel=0.1)
    collapsed = spread(normalize_rows(points * 0.01 + 1))
    assert collapsed.mean > 0.99
    assert collapsed.std < 0.01
    assert spread(points, most=10).pairs == 45
    assert np.isnan(spread(points[:1]).mean)


def test_the_modality_gap_is_that_of_both_modalities(points: np.ndarray) -> None:
    mixed = modality_gap(points[:200], points[200:])
    assert mixed.distance < 0.2
    assert 0.4 < mixed.separability < 0.6
    shift = np.zeros(32, np.float32)
    shift[0] = 1
    apart = modality_gap(normalize_rows(points[:200] + shift), normalize_rows(points[200:] - shift))
    assert apart.distance > 1
    assert apart.separability > 0.99
    assert np.isnan(modality_gap(points[:1], points).separability)


def test_separability_is_that_of_a_linear_discriminant(points: np.ndarray) -> None:
    shift = np.zeros(32, np.float32)
    shift[0] = 0.1
    music, words = normalize_rows(points[:200] + shift), normalize_rows(points[200:] - shift)
    kinds = np.repeat([0, 1], 100)
    right = []
    for half in (0, 1):
        rule = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=None)
        rule.fit(np.concatenate([music[half::2], words[half::2]]), kinds)
        other = np.concatenate([music[1 - half :: 2], words[1 - half :: 2]])
        right.append(rule.score(other, kinds))
    assert modality_gap(music, words).separability == pytest.approx(np.mean(right), abs=0.06)


def test_hubs_are_found(points: np.ndarray) -> None:
    even = hubness(points, points, same=True)
    shared = points.copy()
    shared[0] = normalize_rows(shared.mean(axis=0)[None])[0]  # near everything
    crowded = hubness(points, normalize_rows(shared + 2 * shared[0]))
    assert crowded.skew > even.skew
    assert 0 <= even.never < 0.2
    assert hubness(points[:3], points[:3], same=True).k == 2
    one = hubness(points[:1], points[:1], same=True)
    assert (one.k, one.skew) == (0, 0)


def test_small_perturbations_change_the_embedding_little(model: Model, clips: Path) -> None:
    import sounds
    from tunespace.evaluation.probes import Sensitivity

    paths = []
    for n in range(2):
        tone = 0.5 * sounds.tone(3.0, 16_000, 300.0 + 3000 * n)
        paths.append(sounds.wav(clips / f"long {n}.wav", tone))
    assert same_file_same_vector(model, paths) == 0
    for probe in (loudness, mp3_coding, window_offset):
        found: Sensitivity = probe(model, paths)
        assert found.clips == 2
        assert 0.9 < found.lowest <= found.mean <= 1 + 1e-6
    broken = clips / "broken.mp3"
    broken.write_bytes(b"nothing")
    assert loudness(model, [broken]).clips == 0
    assert np.isnan(same_file_same_vector(model, []))
