"""What is learned: losses over ``Pairs``."""

from torch import nn

from tunespace.training.losses.batch_embeddings import Pairs
from tunespace.training.losses.contrastive import (
    Decoupled,
    InfoNCE,
    Scaled,
    Sigmoid,
    WeightedInfoNCE,
)
from tunespace.training.losses.nt_xent import nt_xent
from tunespace.training.losses.slap import Slap
from tunespace.training.losses.three_way import ThreeWay
from tunespace.training.losses.triplet import Triplet
from tunespace.training.recipe import config

__all__ = [
    "Decoupled",
    "InfoNCE",
    "Pairs",
    "Scaled",
    "Sigmoid",
    "Slap",
    "ThreeWay",
    "Triplet",
    "WeightedInfoNCE",
    "build_loss",
    "nt_xent",
]


def build_loss(settings: config.Loss, dim: int) -> nn.Module:
    """The loss of a recipe: a module that maps ``Pairs`` to a number.

    Args:
        settings: Of the recipe.
        dim: Of the space.
    """
    match settings:
        case config.InfoNCE():
            return InfoNCE(settings)
        case config.WeightedInfoNCE():
            return WeightedInfoNCE(settings)
        case config.Decoupled():
            return Decoupled(settings)
        case config.Sigmoid():
            return Sigmoid(settings)
        case config.ThreeWay():
            return ThreeWay(settings)
        case config.Slap():
            return Slap(settings, dim)
        case config.Triplet():
            return Triplet(settings)
