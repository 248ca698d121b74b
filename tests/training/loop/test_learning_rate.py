import math

import pytest
import torch
from torch import nn

from tunespace.training.loop.learning_rate import LearningRate
from tunespace.training.loop.optimizers import ParameterGroup, build_optimizer
from tunespace.training.recipe import config


def optimizer(rate: float = 0.1) -> torch.optim.Optimizer:
    return torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=rate)


def rates(schedule: config.ScheduleConfig, steps: int) -> list[float]:
    """Return the rate of each step."""
    chosen = optimizer(schedule.learning_rate)
    schedules = LearningRate(chosen, schedule, steps)
    found = []
    for _ in range(steps):
        found.append(float(chosen.param_groups[0]["lr"]))
        chosen.step()
        schedules.step()
    return found


def test_the_rate_rises_linearly_and_falls_as_a_cosine() -> None:
    found = rates(config.ScheduleConfig(learning_rate=0.1, warmup_fraction=0.2), 20)
    assert found[:4] == pytest.approx([0.025, 0.05, 0.075, 0.1])
    assert found[4:] == pytest.approx([0.05 * (1 + math.cos(math.pi * n / 16)) for n in range(16)])


def test_a_short_cosine_rises_again_as_that_of_pytorch() -> None:
    chosen = optimizer()
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(chosen, T_max=5)
    wanted = []
    for _ in range(50):
        wanted.append(float(chosen.param_groups[0]["lr"]))
        chosen.step()
        theirs.step()
    schedule = config.ScheduleConfig(learning_rate=0.1, warmup_fraction=0.0, cosine_fraction=0.1)
    assert rates(schedule, 50) == pytest.approx(wanted, abs=1e-12)


def test_a_constant_rate_with_step_decay_is_that_of_keras() -> None:
    schedule = config.ScheduleConfig(
        learning_rate=0.1, warmup_fraction=0.0, decay="constant", step_decay=0.5
    )
    assert rates(schedule, 3) == pytest.approx([0.1, 0.1 / 1.5, 0.1 / 2])


def test_the_rate_falls_on_a_plateau_down_to_the_lowest() -> None:
    schedule = config.ScheduleConfig(
        warmup_fraction=0.0,
        decay="plateau",
        plateau_factor=0.1,
        plateau_patience=2,
        min_learning_rate=2e-3,
    )
    chosen = optimizer()
    found = LearningRate(chosen, schedule, 100)
    seen = []
    for metric in (0.1, 0.2, 0.2, 0.3, 0.3, 0.1, 0.2, 0.2):
        found.end_epoch(metric)
        chosen.step()
        found.step()
        seen.append(round(float(chosen.param_groups[0]["lr"]), 6))
    assert seen == [0.1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.002]


def test_a_resumed_schedule_goes_on_where_it_was() -> None:
    schedule = config.ScheduleConfig(warmup_fraction=0.0, decay="plateau", plateau_patience=1)
    first, second = optimizer(), optimizer()
    before, after = (LearningRate(one, schedule, 10) for one in (first, second))
    for metric in (0.5, 0.4, 0.3):
        before.end_epoch(metric)
        first.step()
        before.step()
    after.load_state_dict(before.state_dict())
    second.load_state_dict(first.state_dict())
    for one, chosen in ((before, first), (after, second)):
        one.end_epoch(0.45)
        chosen.step()
        one.step()
    assert after.get_last_lr() == before.get_last_lr() == pytest.approx([0.1 * 0.2**3])


def test_a_penalty_of_kernels_has_the_gradient_of_their_squared_norm() -> None:
    weights = [nn.Parameter(torch.tensor([2.0, -3.0])) for _ in range(2)]
    schedule = config.ScheduleConfig(
        optimizer="sgd", learning_rate=0.1, warmup_fraction=0.0, decay="constant"
    )
    built = build_optimizer(schedule, [ParameterGroup([weights[0]], 0.1, 0.25)], 10)
    plain = torch.optim.SGD([weights[1]], lr=0.1, momentum=0.9, nesterov=True)
    for _ in range(3):
        for weight, step in ((weights[0], built["optimizer"]), (weights[1], plain)):
            step.zero_grad()
            penalty = 0.25 * (weight**2).sum() if weight is weights[1] else 0.0
            (gradient,) = torch.autograd.grad(weight.sum() + penalty, weight)
            weight.grad = gradient
            step.step()
    torch.testing.assert_close(weights[0], weights[1])
