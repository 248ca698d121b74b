"""What is learned: losses over ``Pairs``."""

from torch import nn

from tunespace.training import parts
from tunespace.training.losses.pairs import Pairs
from tunespace.training.losses.scaled import Decoupled, InfoNCE, Scaled, Sigmoid, WeightedInfoNCE
from tunespace.training.losses.self_supervision import nt_xent
from tunespace.training.losses.slap import Slap
from tunespace.training.losses.three_way import ThreeWay
from tunespace.training.losses.triplet import Triplet

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


def build_loss(settings: parts.Loss, dim: int) -> nn.Module:
    """The loss of a recipe: a module that maps ``Pairs`` to a number.

    Args:
        settings: Of the recipe.
        dim: Of the space.
    """
    match settings:
        case parts.InfoNCE():
            return InfoNCE(settings)
        case parts.WeightedInfoNCE():
            return WeightedInfoNCE(settings)
        case parts.Decoupled():
            return Decoupled(settings)
        case parts.Sigmoid():
            return Sigmoid(settings)
        case parts.ThreeWay():
            return ThreeWay(settings)
        case parts.Slap():
            return Slap(settings, dim)
        case parts.Triplet():
            return Triplet(settings)
