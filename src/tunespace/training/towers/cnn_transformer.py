"""Residual convolutions, then a transformer over time (TTMR, Doh et al. 2023).

The front of the "CNN-SA" taggers of Won et al. 2019: four blocks halve bands and frames.
"""

import torch
from torch import Tensor, nn

from tunespace.errors import TrainingError
from tunespace.training.recipe import config

_BLOCKS = 4


class CnnTransformer(nn.Module):
    """Four residual blocks, a linear map of each frame, a class token, a transformer.

    Examples:
        >>> import torch
        >>> from tunespace.training.recipe import config
        >>> settings = config.CnnTransformerConfig(channels=4, width=16, layers=1, heads=2)
        >>> tower = CnnTransformer(settings, n_mels=16, frames=64)
        >>> tower(torch.zeros(2, 64, 16)).shape
        torch.Size([2, 16])
    """

    def __init__(self, settings: config.CnnTransformerConfig, n_mels: int, frames: int) -> None:
        """Build the network for crops of ``frames``."""
        super().__init__()
        if n_mels % 2**_BLOCKS or frames < 2**_BLOCKS or settings.width % settings.heads:
            raise TrainingError(
                f"audio_tower: n_mels must be a multiple of {2**_BLOCKS} (it is {n_mels}), crops "
                f"must have at least {2**_BLOCKS} frames ({frames}), and heads must divide width"
            )
        self.norm = nn.BatchNorm2d(1)
        channels = [1] + [settings.channels] * _BLOCKS
        self.blocks = nn.Sequential(*map(_Residual, channels[:-1], channels[1:]))
        self.to_tokens = nn.Linear(settings.channels * (n_mels >> _BLOCKS), settings.width)
        tokens = (frames >> _BLOCKS) + 1
        self.first = nn.Parameter(torch.randn(1, 1, settings.width) * 0.02)
        self.positions = nn.Parameter(torch.randn(1, tokens, settings.width) * 0.02)
        self.dropout = nn.Dropout(settings.dropout)
        layer = nn.TransformerEncoderLayer(
            settings.width,
            settings.heads,
            4 * settings.width,
            settings.dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.transformer = nn.TransformerEncoder(layer, settings.layers, enable_nested_tensor=False)

    def forward(self, log_mel: Tensor) -> Tensor:
        """Map ``(batch, frames, n_mels)`` to ``(batch, width)``, the class token."""
        x = self.blocks(self.norm(log_mel.unsqueeze(1)))
        tokens = self.to_tokens(x.transpose(1, 2).flatten(2))
        first = self.first.expand(tokens.shape[0], -1, -1)
        tokens = torch.cat([first, tokens], dim=1) + self.positions
        output: Tensor = self.transformer(self.dropout(tokens))[:, 0]
        return output


class _Residual(nn.Module):
    """Two convolutions with a shortcut, then 2x2 max pooling."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(before, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.shortcut: nn.Module = nn.Identity()
        if before != after:
            self.shortcut = nn.Sequential(
                nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after)
            )
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        pooled: Tensor = self.pool(torch.relu(self.layers(x) + self.shortcut(x)))
        return pooled
