from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import sounds
import tiny_model
from tunespace.library import Library


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model for which a track is as "low" or "high" as its sound."""
    return str(tiny_model.make(tmp_path_factory.mktemp("models") / "tiny"))


def write_noise(path: Path, low: float, high: float, seconds: float = 2.0, seed: int = 0) -> Path:
    """Noise of two halves of the spectrum, each of its own level."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    spectrum = np.fft.rfft(random.standard_normal(round(seconds * 16_000)))
    hertz = np.fft.rfftfreq(round(seconds * 16_000), 1 / 16_000)
    spectrum *= np.where(hertz < 2000, low, high)
    samples = np.fft.irfft(spectrum)
    return sounds.wav(path, (0.1 * samples).astype(np.float32))


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Four tracks from low to high."""
    folder = tmp_path / "music"
    for n, (low, high) in enumerate([(1, 1e-4), (1, 1e-2), (1e-2, 1), (1e-4, 1)]):
        write_noise(folder / f"album {n // 2}" / f"track {n}.wav", low, high, seed=n)
    return folder


@pytest.fixture
def library(tmp_path: Path, model: str) -> Iterator[Library]:
    with Library.open(tmp_path / "library", model=model) as opened:
        yield opened
