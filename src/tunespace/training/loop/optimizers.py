"""Optimizers and learning-rate schedule."""

import math
from typing import Any

import torch
from torch import nn

from tunespace.training.recipe import config


def build_optimizer(
    schedule: config.ScheduleConfig,
    learned: list[nn.Parameter],
    text: list[nn.Parameter],
    steps: int,
) -> dict[str, Any]:
    """Return the optimizer of a recipe, with linear warm-up and cosine decay, for Lightning.

    Args:
        schedule: Configuration of the schedule.
        learned: All parameters but those of the text tower.
        text: Parameters of the text tower, which may have another rate.
        steps: Number of steps of the whole run.
    """
    rates = (schedule.learning_rate, schedule.text_learning_rate or schedule.learning_rate)
    groups = [
        {"params": group, "lr": rate}
        for group, rate in zip((learned, text), rates, strict=True)
        if group
    ]
    optimiser: torch.optim.Optimizer
    match schedule.optimizer:
        case "adam":
            optimiser = torch.optim.Adam(groups, weight_decay=schedule.weight_decay)
        case "adamw":
            optimiser = torch.optim.AdamW(groups, weight_decay=schedule.weight_decay)
        case "sgd":
            optimiser = torch.optim.SGD(
                groups, momentum=0.9, nesterov=True, weight_decay=schedule.weight_decay
            )
    rising = round(schedule.warmup_fraction * steps)

    def rate(step: int) -> float:
        if step < rising:
            return (step + 1) / rising
        done = (step - rising) / max(1, steps - rising)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))

    course = torch.optim.lr_scheduler.LambdaLR(optimiser, rate)
    return {"optimizer": optimiser, "lr_scheduler": {"scheduler": course, "interval": "step"}}
