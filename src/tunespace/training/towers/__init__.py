"""Networks that map spectrograms or tokens to ``(batch, width)``."""

from torch import nn

from tunespace.models.config import ModelConfig
from tunespace.models.registry import find_model
from tunespace.training.recipe import config
from tunespace.training.towers.cnn_transformer import CnnTransformer
from tunespace.training.towers.conv import Conv1d, Conv2d, ShortChunk
from tunespace.training.towers.frozen import Frozen
from tunespace.training.towers.linear import Linear
from tunespace.training.towers.spectrogram_image import Ast, Htsat, ResNet

__all__ = [
    "Ast",
    "CnnTransformer",
    "Conv1d",
    "Conv2d",
    "Frozen",
    "Htsat",
    "Linear",
    "ResNet",
    "ShortChunk",
    "build_audio_tower",
]


def build_audio_tower(
    settings: config.AudioTowerConfig, n_mels: int, frames: int
) -> tuple[nn.Module, int]:
    """Build the audio tower of a recipe, and return it with the width of its output.

    Its input is ``(batch, frames, n_mels)`` float32, standardised decibels.

    Raises:
        TrainingError: Sizes do not match, or pretrained weights cannot be read.

    Examples:
        >>> from tunespace.training.recipe import config
        >>> tower, width = build_audio_tower(config.LinearConfig(width=16), n_mels=64, frames=100)
        >>> width
        16
    """
    match settings:
        case config.FrozenConfig(model=name):
            return Frozen(), ModelConfig.load(find_model(name)).dim
        case config.LinearConfig():
            return Linear(settings, n_mels), settings.width
        case config.Conv1dConfig():
            return Conv1d(settings, n_mels), settings.width
        case config.Conv2dConfig():
            return Conv2d(settings), settings.width
        case config.ShortChunkConfig():
            return ShortChunk(settings), settings.width
        case config.CnnTransformerConfig():
            return CnnTransformer(settings, n_mels, frames), settings.width
        case config.ResNetConfig():
            resnet = ResNet(settings, n_mels, frames)
            return resnet, resnet.width
        case config.AstConfig():
            ast = Ast(settings, n_mels, frames)
            return ast, ast.width
        case config.HtsatConfig():
            htsat = Htsat(settings, n_mels, frames)
            return htsat, htsat.width
