"""Networks that listen or read: each maps its input to ``(batch, width)``."""

from torch import nn

from tunespace.training import parts
from tunespace.training.towers.cnn_transformer import CnnTransformer
from tunespace.training.towers.linear import Linear

__all__ = ["CnnTransformer", "Linear", "build_audio_tower"]


def build_audio_tower(
    settings: parts.AudioTower, n_mels: int, frames: int
) -> tuple[nn.Module, int]:
    """The audio tower of a recipe and the width of what it gives.

    It reads ``(batch, frames, n_mels)`` float32, standardised decibels.
    """
    match settings:
        case parts.CnnTransformer():
            return CnnTransformer(settings, n_mels, frames), settings.width
        case parts.Linear():
            return Linear(settings, n_mels), settings.width
