"""Compress a teacher: several times faster, with nearly the same outputs.

The outputs of a convolution lie near a low-dimensional subspace. The convolution is split in two:
one onto that subspace, and a 1x1 convolution back (Zhang et al. 2016, "Accelerating very deep
convolutional networks", section 3). Each is fitted on the outputs of the compressed layers before
it, so that errors are corrected instead of accumulated (section 3.3, "asymmetric"). The filters of
the first convolution, 3x3 over one channel, are redundant: some are removed, and the second
convolution is fitted to the rest (He et al. 2017, "Channel pruning for accelerating very deep
neural networks"); they are chosen greedily.
"""

import copy
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tunespace.training.bundled.distillation.teachers import Fcn

# Positions in each window that a convolution is fitted on.
_PLACES = 100
# Penalty on the correction of the teacher's weights, in units of the mean power of an input.
_PENALTY = 0.02


@dataclass(frozen=True)
class Sizes:
    """Size of a compressed teacher.

    Attributes:
        filters: Number of filters of the first convolution.
        ranks: Rank of each further convolution by its number (the first is 0).
    """

    filters: int
    ranks: dict[int, int]


def compress(fcn: Fcn, log_mel: Tensor, sizes: Sizes, seed: int) -> Fcn:
    """Return a compressed copy of a teacher: fewer filters and split convolutions.

    Args:
        fcn: Teacher; not changed.
        log_mel: ``(windows, frames, 96)`` decibels of music to fit on.
        sizes: Size of the result.
        seed: Random seed of the positions.
    """
    random = torch.Generator().manual_seed(seed)
    small = copy.deepcopy(fcn)
    with torch.no_grad():
        exact = small_input = fcn.entered(log_mel)
        for number in range(max(sizes.ranks) + 2):
            whole = fcn.convolutions[number]
            if number > 0:
                inputs, wanted = _pairs(whole, exact, small_input, random)
                if number == 1:
                    kept = _best_channels(inputs, wanted, sizes.filters)
                    weight, bias = _parts(fcn.convolutions[0])
                    small.convolutions[0] = _convolution(weight[kept], bias[kept])
                    small_input = small_input[:, kept]
                    inputs = inputs.reshape(len(inputs), -1, 9)[:, kept].flatten(1)
                    weight, bias = _parts(whole)
                    whole = _convolution(weight[:, kept], bias)
                weights = _corrected(whole, inputs, wanted)
                rank = sizes.ranks.get(number)
                small.convolutions[number] = (
                    _one(weights) if rank is None else _split(weights, inputs, rank)
                )
            exact, small_input = fcn.step(number, exact), small.step(number, small_input)
    return small


def _best_channels(inputs: Tensor, wanted: Tensor, count: int) -> list[int]:
    """Return the greedily chosen channels from which a linear map explains most of the target."""
    x = inputs - inputs.mean(dim=0)
    gram, cross = x.T @ x, x.T @ (wanted - wanted.mean(dim=0))
    gram += 1e-4 * gram.diagonal().mean() * torch.eye(len(gram), dtype=torch.float64)
    blocks = torch.arange(len(gram)).reshape(-1, 9)
    chosen: list[int] = []
    while len(chosen) < min(count, len(blocks)):
        # Residual of every column after regression on the chosen ones.
        if chosen:
            have = blocks[chosen].flatten()
            shared = torch.linalg.solve(gram[have][:, have], gram[have])
            rest = gram - gram[:, have] @ shared
            wants = cross - shared.T @ cross[have]
        else:
            rest, wants = gram, cross
        gains = [
            -1.0
            if channel in chosen
            else float(
                (wants[block] * torch.linalg.solve(rest[block][:, block], wants[block])).sum()
            )
            for channel, block in enumerate(blocks)
        ]
        chosen.append(int(np.argmax(gains)))
    return sorted(chosen)


def _convolution(weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
    """Return a convolution with weights ``(outputs, inputs, size, size)`` and stride 1."""
    outputs, inputs, size, _ = weight.shape
    layer = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=bias is not None)
    layer.weight.copy_(weight)
    if bias is not None and layer.bias is not None:
        layer.bias.copy_(bias)
    return layer


def _parts(layer: nn.Module) -> tuple[Tensor, Tensor]:
    """Return weights and bias of a convolution."""
    return cast("Tensor", layer.weight), cast("Tensor", layer.bias)


def _pairs(
    whole: nn.Module, exact: Tensor, small: Tensor, random: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return outputs of the split layers and of the teacher's convolution at random positions."""
    inputs, wanted = [], []
    for one_exact, one_small in zip(torch.split(exact, 8), torch.split(small, 8), strict=True):
        places = one_exact.shape[2] * one_exact.shape[3]
        chosen = torch.randperm(places, generator=random)[:_PLACES]
        around = functional.unfold(one_small, 3, padding=1)[:, :, chosen]
        responses = whole(one_exact).flatten(2)[:, :, chosen]
        inputs.append(around.transpose(1, 2).flatten(0, 1))
        wanted.append(responses.transpose(1, 2).flatten(0, 1))
    return torch.cat(inputs).double(), torch.cat(wanted).double()


def _corrected(whole: nn.Module, inputs: Tensor, wanted: Tensor) -> Tensor:
    """Return ``(inputs + 1, outputs)``: ridge regression of the teacher's residual."""
    weight, bias = _parts(whole)
    own = torch.cat([weight.flatten(1).T, bias[None]]).double()
    ones = torch.ones(len(inputs), 1, dtype=torch.float64)
    inputs = torch.cat([inputs, ones], dim=1)
    gram = inputs.T @ inputs
    penalty = _PENALTY * gram.diagonal().mean()
    gram += penalty * torch.eye(len(gram), dtype=torch.float64)
    change: Tensor = torch.linalg.solve(gram, inputs.T @ (wanted - inputs @ own))
    return own + change


def _one(weights: Tensor) -> nn.Conv2d:
    return _convolution(_kernels(weights[:-1]), weights[-1])


def _split(weights: Tensor, inputs: Tensor, rank: int) -> nn.Sequential:
    responses = inputs @ weights[:-1] + weights[-1]
    mean = responses.mean(dim=0)
    centred = responses - mean
    _, directions = torch.linalg.eigh(centred.T @ centred)
    kept = directions[:, -rank:]
    onto = _convolution(_kernels(weights[:-1] @ kept), None)
    rest = mean - kept @ (kept.T @ (mean - weights[-1]))
    return nn.Sequential(onto, _convolution(kept[:, :, None, None], rest))


def _kernels(weights: Tensor) -> Tensor:
    """Reshape ``(inputs * 9, outputs)`` to ``(outputs, inputs, 3, 3)``."""
    return weights.T.reshape(weights.shape[1], -1, 3, 3)
