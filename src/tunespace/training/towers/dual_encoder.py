"""Two towers and the projections that bring them into one space."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from tunespace.errors import TrainingError
from tunespace.training.recipe import config
from tunespace.training.recipe.recipe import Recipe
from tunespace.training.towers import build_audio_tower
from tunespace.training.towers.text_tower import build_text_tower


class TwoTowers(nn.Module):
    """What is trained, and what is exported.

    Attributes:
        audio: Listens.
        text: Reads.
        image: Sees the spectrogram as a picture, where the recipe has it.
    """

    mean_db: Tensor
    spread_db: Tensor

    def __init__(self, recipe: Recipe, text_folder: Path, factors: int = 0) -> None:
        """Builds both, with weights that are drawn.

        Args:
            recipe: What is built.
            text_folder: Of the run's text side.
            factors: Width of the factors of collaborative filtering; 0 for none.

        Raises:
            TrainingError: Sizes in the recipe do not fit together.
        """
        super().__init__()
        sizes = (recipe.front_end.n_mels, recipe.frames)
        self.audio, heard = build_audio_tower(recipe.audio, *sizes)
        self.text, read = build_text_tower(recipe.text, text_folder)
        self.image: nn.Module | None = None
        self.image_head: nn.Module | None = None
        if recipe.image is not None:
            self.image, seen = build_audio_tower(recipe.image, *sizes)
            self.image_head = projection(recipe.joint, seen)
        self.branch = recipe.culture.branch if factors else "acoustic"
        self.factors: nn.Module | None = None
        self.unknown: nn.Parameter | None = None
        if factors:
            self.factors = nn.Linear(factors, heard)
            self.unknown = nn.Parameter(torch.zeros(heard))
            heard = heard if self.branch == "cultural" else 2 * heard
        self.audio_head = projection(recipe.joint, heard)
        fixed = isinstance(recipe.text, config.FrozenText) and recipe.text.fixed
        if fixed and read != recipe.joint.dim:
            raise TrainingError(f"text.fixed: joint.dim must be {read}, not {recipe.joint.dim}")
        self.text_head = nn.Identity() if fixed else projection(recipe.joint, read)
        self.own_head: nn.Module | None = None
        if recipe.self_supervision.weight:
            self.own_head = nn.Linear(heard, recipe.self_supervision.dim)
        self.register_buffer("mean_db", torch.tensor(0.0))
        self.register_buffer("spread_db", torch.tensor(1.0))

    def standardised(self, log_mel: Tensor) -> Tensor:
        """Decibels around zero."""
        return (log_mel - self.mean_db) / self.spread_db

    def heard(
        self, standardised: Tensor, factors: Tensor | None = None, known: Tensor | None = None
    ) -> Tensor:
        """``(batch, width)``: what is known of the music before it comes into the space.

        Args:
            standardised: ``(batch, frames, n_mels)``.
            factors: ``(batch, factors)`` of collaborative filtering.
            known: ``(batch,)`` bool: whose factors are known.
        """
        if self.factors is None or self.unknown is None:
            acoustic: Tensor = self.audio(standardised)
            return acoustic
        culture = self.unknown.expand(standardised.shape[0], -1)
        if factors is not None and known is not None:
            culture = torch.where(known[:, None], self.factors(factors), culture)
        if self.branch == "cultural":
            return culture
        return torch.cat([self.audio(standardised), culture], dim=1)

    def seen(self, standardised: Tensor) -> Tensor:
        """``(batch, dim)``: the spectrogram as a picture, not of unit length."""
        if self.image is None or self.image_head is None:
            raise ValueError("the recipe has no image")
        point: Tensor = self.image_head(self.image(standardised))
        return point

    def embed_audio(
        self, log_mel: Tensor, factors: Tensor | None = None, known: Tensor | None = None
    ) -> Tensor:
        """Maps ``(batch, frames, n_mels)`` decibels to ``(batch, dim)``, not of unit length.

        With a picture: the sum of both, each of unit length.
        """
        standardised = self.standardised(log_mel)
        point: Tensor = self.audio_head(self.heard(standardised, factors, known))
        if self.image is None:
            return point
        both = (point, self.seen(standardised))
        one, other = (functional.normalize(x, dim=1) for x in both)
        return one + other

    def embed_text(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Maps ``(batch, tokens)`` ids and mask to ``(batch, dim)``, not of unit length."""
        point: Tensor = self.text_head(self.text(ids, mask))
        return point


def projection(settings: config.Joint, width: int) -> nn.Module:
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
        case "residual":
            if width != settings.dim:
                raise TrainingError(f"joint: residual needs dim {width}, not {settings.dim}")
            return Residual(width)
        case "norm-mlp":
            return nn.Sequential(
                nn.Linear(width, 2 * settings.dim),
                nn.BatchNorm1d(2 * settings.dim),
                nn.ReLU(),
                nn.Dropout(0.5),
                nn.Linear(2 * settings.dim, settings.dim),
            )


class Residual(nn.Module):
    """What comes in, and a linear map of it that begins at zero: at first nothing changes."""

    def __init__(self, width: int) -> None:
        """Builds the map."""
        super().__init__()
        self.map = nn.Linear(width, width, bias=False)
        nn.init.zeros_(self.map.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Maps ``(batch, width)`` to the same shape."""
        moved: Tensor = x + self.map(x)
        return moved
