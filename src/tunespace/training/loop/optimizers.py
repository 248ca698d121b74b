"""Optimizers."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from tunespace.training.loop.learning_rate import LearningRate
from tunespace.training.recipe import config


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters with settings of their own.

    Attributes:
        parameters: The parameters.
        learning_rate: Peak learning rate.
        l2: Coefficient of their squared norm in the loss, in addition to the weight decay.
    """

    parameters: list[nn.Parameter]
    learning_rate: float
    l2: float = 0.0


def build_optimizer(
    schedule: config.ScheduleConfig, groups: list[ParameterGroup], steps: int
) -> dict[str, Any]:
    """Return optimizer and learning-rate schedule of a recipe, for Lightning.

    Args:
        schedule: Configuration of the schedule.
        groups: Parameters to train; empty groups are left out.
        steps: Number of steps of the whole run.
    """
    decay = schedule.weight_decay
    options: list[dict[str, Any]] = [
        # The gradient of l2 * w**2 is 2 * l2 * w; that of PyTorch's weight decay is decay * w.
        {
            "params": group.parameters,
            "lr": group.learning_rate,
            "weight_decay": decay + 2 * group.l2,
        }
        for group in groups
        if group.parameters
    ]
    betas, eps = (schedule.adam_beta1, schedule.adam_beta2), schedule.adam_eps
    optimizer: torch.optim.Optimizer
    match schedule.optimizer:
        case "adam":
            optimizer = torch.optim.Adam(options, betas=betas, eps=eps)
        case "adamw":
            optimizer = torch.optim.AdamW(options, betas=betas, eps=eps)
        case "sgd":
            optimizer = torch.optim.SGD(options, momentum=0.9, nesterov=True)
    rates = LearningRate(optimizer, schedule, steps)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": rates, "interval": "step"}}
