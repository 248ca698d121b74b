from pathlib import Path

import pytest
import torch
from torch import nn

from tiny_music import manifest
from tunespace.data.manifest import load_manifest
from tunespace.errors import TrainingError
from tunespace.training.recipe.recipe import load_recipe
from tunespace.training.towers.dual_encoder import DualEncoder
from tunespace.training.towers.text_tower import prepare_text

SMALL = (
    "front_end.n_mels=16",
    "audio_tower.channels=4",
    "audio_tower.width=8",
    "projection.dim=8",
)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Word vectors of tiny texts."""
    folder = tmp_path_factory.mktemp("texts")
    items = load_manifest(manifest(folder / "music")).items
    prepare_text(load_recipe("won2021").text_tower, items, folder / "text", 0)
    return folder / "text"


@pytest.mark.parametrize("name", ["choi2019", "won2021", "doh2024-mwe"])
def test_the_output_of_the_audio_tower_is_the_embedding(name: str, texts: Path) -> None:
    towers = DualEncoder(load_recipe(name, changes=SMALL), texts).eval()
    assert isinstance(towers.audio_head, nn.Identity)
    assert not isinstance(towers.text_head, nn.Identity)
    log_mel = torch.randn(2, 30, 16)
    torch.testing.assert_close(towers.embed_audio(log_mel), towers.audio(log_mel))


def test_a_tower_of_another_width_needs_a_projection(texts: Path) -> None:
    recipe = load_recipe("won2021", changes=[*SMALL, "projection.dim=12"])
    with pytest.raises(TrainingError, match=r"projection.dim must be .* 8, not 12"):
        DualEncoder(recipe, texts)


def test_factors_are_joined_to_the_audio_as_they_are(texts: Path) -> None:
    changes = [*SMALL, "collaborative.factors=some.npz"]
    towers = DualEncoder(load_recipe("won2021", changes=changes), texts, factors=3).eval()
    log_mel, factors = torch.randn(2, 30, 16), torch.randn(2, 3)
    features = towers.audio_features(log_mel, factors, torch.tensor([True, False]))
    torch.testing.assert_close(features[0, -3:], factors[0])
    assert features[1, -3:].tolist() == [0, 0, 0]  # learned, and zero at first
    assert towers.embed_audio(log_mel, factors, torch.tensor([True, False])).shape == (2, 8)
