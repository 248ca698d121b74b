"""Learning-rate schedule: linear warm-up, then a decay by steps or on a plateau."""

import math
from typing import Any

import torch

from tunespace.training.recipe import config


class LearningRate(torch.optim.lr_scheduler.LRScheduler):
    """Schedule of a recipe: it is stepped after each step, and receives each validation metric.

    Examples:
        >>> from tunespace.training.recipe import config
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
        >>> schedule = config.ScheduleConfig(decay="plateau", plateau_patience=1, warmup_fraction=0)
        >>> rates = LearningRate(optimizer, schedule, 10)
        >>> for metric in (0.5, 0.4):
        ...     rates.end_epoch(metric)
        >>> optimizer.step()
        >>> rates.step()
        >>> round(rates.get_last_lr()[0], 4)
        0.02
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, schedule: config.ScheduleConfig, steps: int
    ) -> None:
        """Take the optimizer, the schedule and the number of steps of the whole run."""
        self._decay, self._step_decay = schedule.decay, schedule.step_decay
        self._warmup = round(schedule.warmup_fraction * steps)
        self._fall = max(1, round(schedule.cosine_fraction * (steps - self._warmup)))
        self._factor, self._patience = schedule.plateau_factor, schedule.plateau_patience
        self._lowest = schedule.min_learning_rate
        self._scale, self._best, self._epochs_without_gain = 1.0, -math.inf, 0
        super().__init__(optimizer)

    def end_epoch(self, metric: float) -> None:
        """Take the validation metric of an epoch, larger for better.

        On a plateau the rate is lowered as by Keras' ReduceLROnPlateau: after ``plateau_patience``
        epochs without improvement.
        """
        if metric > self._best:
            self._best, self._epochs_without_gain = metric, 0
            return
        self._epochs_without_gain += 1
        if self._decay == "plateau" and self._epochs_without_gain >= self._patience:
            self._scale, self._epochs_without_gain = self._scale * self._factor, 0

    def get_lr(self) -> list[Any]:
        """Return the rate of each group of parameters for the next step."""
        step = self.last_epoch
        if step < self._warmup:
            return [rate * (step + 1) / self._warmup for rate in self.base_lrs]
        share = self._scale / (1 + self._step_decay * step)
        if self._decay == "cosine":
            share *= 0.5 * (1 + math.cos(math.pi * (step - self._warmup) / self._fall))
        return [max(self._lowest, rate * share) for rate in self.base_lrs]
