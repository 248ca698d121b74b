"""Losses over ``BatchEmbeddings``."""

from torch import nn

from tunespace.training.losses.batch_embeddings import BatchEmbeddings
from tunespace.training.losses.contrastive import (
    Decoupled,
    InfoNCE,
    ScaledLoss,
    Sigmoid,
    WeightedInfoNCE,
)
from tunespace.training.losses.nt_xent import nt_xent
from tunespace.training.losses.slap import Slap
from tunespace.training.losses.three_way import ThreeWay
from tunespace.training.losses.triplet import Triplet
from tunespace.training.recipe import config

__all__ = [
    "BatchEmbeddings",
    "Decoupled",
    "InfoNCE",
    "ScaledLoss",
    "Sigmoid",
    "Slap",
    "ThreeWay",
    "Triplet",
    "WeightedInfoNCE",
    "build_loss",
    "nt_xent",
]


def build_loss(settings: config.LossConfig, dim: int) -> nn.Module:
    """Build the loss of a recipe: a module that maps ``BatchEmbeddings`` to a scalar.

    Args:
        settings: Configuration of the loss.
        dim: Dimension of the embedding space.

    Examples:
        >>> from tunespace.training.recipe import config
        >>> loss = build_loss(config.InfoNCEConfig(temperature=0.1), dim=128)
        >>> loss.logit_scale.exp().round().item()
        10.0
    """
    match settings:
        case config.InfoNCEConfig():
            return InfoNCE(settings)
        case config.WeightedInfoNCEConfig():
            return WeightedInfoNCE(settings)
        case config.DecoupledConfig():
            return Decoupled(settings)
        case config.SigmoidConfig():
            return Sigmoid(settings)
        case config.ThreeWayConfig():
            return ThreeWay(settings)
        case config.SlapConfig():
            return Slap(settings, dim)
        case config.TripletConfig():
            return Triplet(settings)
