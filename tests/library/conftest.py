from collections.abc import Iterator
from pathlib import Path

import pytest

import sounds
import tiny_model
from tunespace.library import Library


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model for which a track is as "low" or "high" as its sound."""
    return str(tiny_model.make(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Four tracks from low to high."""
    folder = tmp_path / "music"
    for n, (low, high) in enumerate([(1, 1e-4), (1, 1e-2), (1e-2, 1), (1e-4, 1)]):
        sounds.write_noise(folder / f"album {n // 2}" / f"track {n}.wav", low, high, seed=n)
    return folder


@pytest.fixture
def library(tmp_path: Path, model: str) -> Iterator[Library]:
    with Library.open(tmp_path / "library", model=model) as opened:
        yield opened
