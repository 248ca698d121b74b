"""Dual encoder: an audio tower, a text tower and the projections into one embedding space."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from tunespace.errors import TrainingError
from tunespace.training.recipe import config
from tunespace.training.recipe.recipe import Recipe
from tunespace.training.towers import build_audio_tower
from tunespace.training.towers.text_tower import build_text_tower


class DualEncoder(nn.Module):
    """The network that a run trains and exports.

    Attributes:
        audio: Audio tower.
        text: Text tower.
        image: Second audio tower that reads the spectrogram as an image; None if not configured.
        mean_db: Mean level of the training spectrograms, in dB.
        spread_db: Standard deviation of the training spectrograms, in dB.
    """

    mean_db: Tensor
    spread_db: Tensor

    def __init__(self, recipe: Recipe, text_folder: Path, factors: int = 0) -> None:
        """Build both towers with randomly initialised weights.

        Args:
            recipe: Recipe.
            text_folder: Folder of the run with the tokenizer and the word vectors.
            factors: Width of the collaborative-filtering factors; 0 for none.

        Raises:
            TrainingError: Sizes in the recipe do not match.
        """
        super().__init__()
        sizes = (recipe.front_end.n_mels, recipe.frames)
        self.audio, audio_width = build_audio_tower(recipe.audio_tower, *sizes)
        self.text, text_width = build_text_tower(recipe.text_tower, text_folder)
        self.image: nn.Module | None = None
        self.image_head: nn.Module | None = None
        if recipe.image_tower is not None:
            self.image, image_width = build_audio_tower(recipe.image_tower, *sizes)
            self.image_head = projection(recipe.projection, image_width)
        self.branch = recipe.collaborative.branch if factors else "acoustic"
        self.unknown_factors: nn.Parameter | None = None
        dim, tower = recipe.projection.dim, recipe.text_tower
        if factors:
            self.unknown_factors = nn.Parameter(torch.zeros(factors))
            audio_width = factors + (0 if self.branch == "cultural" else audio_width)
        skips = recipe.projection.skip_audio and not factors
        if skips and audio_width != dim:
            raise TrainingError(
                f"projection.skip_audio: projection.dim must be that of the audio tower, "
                f"{audio_width}, not {dim}"
            )
        self.audio_head = nn.Identity() if skips else projection(recipe.projection, audio_width)
        is_identity = isinstance(tower, config.FrozenTextConfig) and tower.identity_projection
        if is_identity and text_width != dim:
            raise TrainingError(
                f"text_tower.identity_projection: projection.dim must be {text_width}, not {dim}"
            )
        self.text_head = nn.Identity() if is_identity else projection(recipe.projection, text_width)
        self.ssl_head: nn.Module | None = None
        if recipe.self_supervision.weight:
            self.ssl_head = nn.Linear(audio_width, recipe.self_supervision.dim)
        self.register_buffer("mean_db", torch.tensor(0.0))
        self.register_buffer("spread_db", torch.tensor(1.0))

    def standardize(self, log_mel: Tensor) -> Tensor:
        """Shift and scale decibels to zero mean and unit variance over the training clips."""
        return (log_mel - self.mean_db) / self.spread_db

    def audio_features(
        self,
        standardized: Tensor,
        factors: Tensor | None = None,
        has_factors: Tensor | None = None,
    ) -> Tensor:
        """Return ``(batch, width)`` features of the audio tower, before the projection.

        Args:
            standardized: ``(batch, frames, n_mels)`` float32.
            factors: ``(batch, factors)`` float32 collaborative-filtering factors.
            has_factors: ``(batch,)`` bool, True for clips whose factors are known.
        """
        if self.unknown_factors is None:
            acoustic: Tensor = self.audio(standardized)
            return acoustic
        cultural = self.unknown_factors.expand(standardized.shape[0], -1)
        if factors is not None and has_factors is not None:
            cultural = torch.where(has_factors[:, None], factors, cultural)
        if self.branch == "cultural":
            return cultural
        return torch.cat([self.audio(standardized), cultural], dim=1)

    def image_features(self, standardized: Tensor) -> Tensor:
        """Return the ``(batch, dim)`` embedding of the spectrogram as an image, not normalised.

        Args:
            standardized: ``(batch, frames, n_mels)`` float32.

        Raises:
            ValueError: The recipe has no image tower.
        """
        if self.image is None or self.image_head is None:
            raise ValueError("the recipe has no image_tower")
        embedding: Tensor = self.image_head(self.image(standardized))
        return embedding

    def embed_audio(
        self, log_mel: Tensor, factors: Tensor | None = None, has_factors: Tensor | None = None
    ) -> Tensor:
        """Map ``(batch, frames, n_mels)`` decibels to ``(batch, dim)`` embeddings, not normalised.

        With an image tower, return the sum of both towers' unit vectors.
        """
        standardized = self.standardize(log_mel)
        embedding: Tensor = self.audio_head(self.audio_features(standardized, factors, has_factors))
        if self.image is None:
            return embedding
        both = (embedding, self.image_features(standardized))
        first, second = (functional.normalize(x, dim=1) for x in both)
        return first + second

    def embed_text(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Map ``(batch, tokens)`` ids and mask to ``(batch, dim)`` embeddings, not normalised."""
        embedding: Tensor = self.text_head(self.text(ids, mask))
        return embedding


def projection(settings: config.ProjectionConfig, width: int) -> nn.Module:
    """Build the projection head from a tower's output to the embedding space.

    Args:
        settings: Configuration of the projection.
        width: Width of the tower's output.

    Raises:
        TrainingError: A residual head is asked for and ``width`` is not the embedding dimension.
    """
    match settings.head:
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
                raise TrainingError(
                    f"projection.head residual needs projection.dim {width}, not {settings.dim}"
                )
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
    """Identity plus a linear map that is initialised to zero."""

    def __init__(self, width: int) -> None:
        """Build the map for vectors of ``width`` values."""
        super().__init__()
        self.map = nn.Linear(width, width, bias=False)
        nn.init.zeros_(self.map.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, width)`` to the same shape."""
        mapped: Tensor = x + self.map(x)
        return mapped
