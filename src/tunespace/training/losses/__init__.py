"""What is learned: each loss in its own file, over ``Pairs``."""

from torch import nn

from tunespace.training import parts
from tunespace.training.losses.infonce import InfoNCE
from tunespace.training.losses.pairs import Pairs
from tunespace.training.losses.triplet import Triplet

__all__ = ["InfoNCE", "Pairs", "Triplet", "build_loss"]


def build_loss(settings: parts.Loss) -> nn.Module:
    """The loss of a recipe: a module that maps ``Pairs`` to a number."""
    match settings:
        case parts.InfoNCE():
            return InfoNCE(settings)
        case parts.Triplet():
            return Triplet(settings)
