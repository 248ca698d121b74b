"""Student: compressed teachers, and a head that predicts the outputs of the others.

The head reads the teachers' feature maps through inverted residual blocks with depthwise
convolutions (Sandler et al. 2018, MobileNetV2).
"""

from typing import cast

import torch
from torch import Tensor, nn

from tunespace.training.bundled.distillation.teacher_logits import LEVEL_DB, MOST_GAIN_DB
from tunespace.training.bundled.distillation.teachers import Fcn

_WIDTH = 64
_EXPANSION = 2
_HIDDEN = 256
_DROPOUT = 0.2
# Convolutions whose outputs the head reads: 24 x 40 and 12 x 10 of mel and time.
_READ = (1, 2)
_DB_PER_NEPER = 4.342944819


class Student(nn.Module):
    """Maps log-mel windows to one value for each output of the teachers."""

    mean: Tensor
    std: Tensor

    def __init__(self, fcns: list[Fcn], mean: Tensor, std: Tensor) -> None:
        """Combine compressed teachers with a new head.

        Args:
            fcns: Teachers that are part of the student.
            mean: ``(outputs,)`` mean of all teachers' logits, those in ``fcns`` first.
            std: ``(outputs,)`` standard deviation.
        """
        super().__init__()
        self.fcns = nn.ModuleList(fcns)
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.held = sum(fcn.dense.out_features for fcn in fcns)
        self.head = _Head(fcns, len(mean) - self.held)

    def forward(self, log_mel: Tensor) -> Tensor:
        """Map ``(batch, frames, 96)`` decibels to ``(batch, outputs)`` standardised logits."""
        x = at_common_level(log_mel)
        features = [fcn.features(x) for fcn in self.fcns]  # type: ignore[operator]
        logits = torch.cat([outputs[-1] for outputs in features], dim=1)
        standardised = (logits - self.mean[: self.held]) / self.std[: self.held]
        if len(self.mean) == self.held:
            return standardised
        return torch.cat([standardised, self.head(features)], dim=1)


def at_common_level(log_mel: Tensor) -> Tensor:
    """Scale each window to the same mean power: the level is no property of the music."""
    power = torch.exp(log_mel / _DB_PER_NEPER).mean(dim=(1, 2), keepdim=True)
    gain = LEVEL_DB - _DB_PER_NEPER * torch.log(power.clamp_min(1e-10))
    return log_mel + gain.clamp(-MOST_GAIN_DB, MOST_GAIN_DB)


class _Head(nn.Module):
    def __init__(self, fcns: list[Fcn], outputs: int) -> None:
        super().__init__()

        def channels(number: int) -> int:
            return sum(_outputs_of(fcn.convolutions[number]) for fcn in fcns)

        self.fine = _joined(channels(_READ[0]), _WIDTH)
        self.coarse = _joined(channels(_READ[1]), _WIDTH)
        self.down = nn.Sequential(
            _InvertedResidual(_WIDTH, _WIDTH, (1, 1)), _InvertedResidual(_WIDTH, _WIDTH, (2, 4))
        )
        self.on = nn.Sequential(
            _InvertedResidual(_WIDTH, _WIDTH, (1, 1)), _InvertedResidual(_WIDTH, _WIDTH, (3, 1))
        )
        bands = 4
        summaries = sum(fcn.dense.in_features for fcn in fcns)
        self.dense = nn.Sequential(
            nn.Linear(2 * bands * _WIDTH + summaries, _HIDDEN),
            nn.BatchNorm1d(_HIDDEN),
            nn.SiLU(),
            nn.Dropout(_DROPOUT),
            nn.Linear(_HIDDEN, outputs),
        )

    def forward(self, features: list[list[Tensor]]) -> Tensor:
        fine, coarse = (torch.cat([outputs[n] for outputs in features], dim=1) for n in _READ)
        x = self.on(self.down(self.fine(fine)) + self.coarse(coarse))
        # Mean and maximum over time: what is constant, and what occurs once.
        summaries = [outputs[-2] for outputs in features]
        pooled = torch.cat([x.mean(dim=3), x.amax(dim=3)], dim=1).flatten(1)
        answer: Tensor = self.dense(torch.cat([pooled, *summaries], dim=1))
        return answer


def _outputs_of(layer: nn.Module) -> int:
    last = layer[-1] if isinstance(layer, nn.Sequential) else layer
    return len(cast("Tensor", last.bias))


def _joined(channels: int, width: int) -> nn.Sequential:
    # The input has any scale: it is normalised first.
    return nn.Sequential(
        nn.BatchNorm2d(channels),
        nn.Conv2d(channels, width, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.SiLU(),
    )


class _InvertedResidual(nn.Module):
    def __init__(self, channels: int, wider: int, stride: tuple[int, int]) -> None:
        super().__init__()
        hidden = _EXPANSION * channels
        self.layers = nn.Sequential(
            nn.Conv2d(channels, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.SiLU(),
            nn.Conv2d(hidden, hidden, 3, stride, padding=1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.SiLU(),
            nn.Conv2d(hidden, wider, 1, bias=False),
            nn.BatchNorm2d(wider),
        )
        self.skips = stride == (1, 1) and channels == wider

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y if self.skips else y
