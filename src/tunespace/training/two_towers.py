"""Two towers and the projections that bring them into one space."""

from pathlib import Path

import torch
from torch import Tensor, nn

from tunespace.training import parts
from tunespace.training.recipe import Recipe
from tunespace.training.towers import build_audio_tower
from tunespace.training.towers.reading import build_text_tower


class TwoTowers(nn.Module):
    """What is trained, and what is exported.

    Attributes:
        audio: Listens.
        text: Reads.
    """

    mean_db: Tensor
    spread_db: Tensor

    def __init__(self, recipe: Recipe, text_folder: Path) -> None:
        """Builds both, with weights that are drawn.

        Raises:
            TrainingError: Sizes in the recipe do not fit together.
        """
        super().__init__()
        self.audio, heard = build_audio_tower(recipe.audio, recipe.front_end.n_mels, recipe.frames)
        self.text, read = build_text_tower(recipe.text, text_folder)
        self.audio_head = projection(recipe.joint, heard)
        self.text_head = projection(recipe.joint, read)
        self.register_buffer("mean_db", torch.tensor(0.0))
        self.register_buffer("spread_db", torch.tensor(1.0))

    def embed_audio(self, log_mel: Tensor) -> Tensor:
        """Maps ``(batch, frames, n_mels)`` decibels to ``(batch, dim)``, not of unit length."""
        standardised = (log_mel - self.mean_db) / self.spread_db
        point: Tensor = self.audio_head(self.audio(standardised))
        return point

    def embed_text(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Maps ``(batch, tokens)`` ids and mask to ``(batch, dim)``, not of unit length."""
        point: Tensor = self.text_head(self.text(ids, mask))
        return point


def projection(settings: parts.Joint, width: int) -> nn.Module:
    """From a tower's output to the space."""
    match settings.projection:
        case "linear":
            return nn.Linear(width, settings.dim)
        case "norm-linear":
            return nn.Sequential(nn.LayerNorm(width), nn.Linear(width, settings.dim, bias=False))
        case "mlp":
            return nn.Sequential(
                nn.Linear(width, settings.dim), nn.ReLU(), nn.Linear(settings.dim, settings.dim)
            )
