"""Taggers with the layouts of the real ones and random weights."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor


def fcn_weights(seed: int, channels: tuple[int, ...] = (8, 8, 8, 8, 6)) -> dict[str, Tensor]:
    """Weights with the keys of the FCN's authors, five tags."""
    random = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=random)

    weights: dict[str, Tensor] = {}
    names = ["spec_bn", *(f"layer{layer}.bn" for layer in range(1, 6))]
    for name, width in zip(names, (1, *channels), strict=True):
        weights[f"{name}.weight"] = 1 + 0.1 * normal(width)
        weights[f"{name}.bias"] = 0.1 * normal(width)
        weights[f"{name}.running_mean"] = 0.1 * normal(width)
        weights[f"{name}.running_var"] = 1 + 0.1 * normal(width).abs()
    weights["spec_bn.running_var"] = torch.tensor([900.0])
    for layer, (before, width) in enumerate(zip((1, *channels), channels, strict=False), start=1):
        weights[f"layer{layer}.conv.weight"] = normal(width, before, 3, 3) / (3 * before**0.5)
        weights[f"layer{layer}.conv.bias"] = 0.1 * normal(width)
    weights["dense.weight"] = normal(5, channels[-1])
    weights["dense.bias"] = normal(5)
    return weights


def musicnn_weights(seed: int) -> dict[str, Tensor]:
    """Weights with the keys of musicnn's graph, few channels, five tags."""
    random = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=random)

    tall, wide, middle, hidden = 6, 3, 4, 7
    front = 2 * tall + 3 * wide
    kernels = [
        (7, 38, 1, tall),
        (7, 67, 1, tall),
        *((length, 1, 1, wide) for length in (128, 64, 32)),
        (7, front, 1, middle),
        *[(7, middle, 1, middle)] * 2,
    ]
    weights: dict[str, Tensor] = {}
    for number, shape in enumerate(kernels):
        name = f"conv2d_{number}" if number else "conv2d"
        weights[f"{name}/kernel"] = normal(*shape) / (shape[0] * shape[1]) ** 0.5
        weights[f"{name}/bias"] = 0.1 * normal(shape[3])
    pooled = 2 * (front + 3 * middle)
    widths = [1, *(shape[3] for shape in kernels), pooled, hidden]
    for number, width in enumerate(widths):
        name = f"batch_normalization_{number}" if number else "batch_normalization"
        weights[f"{name}/gamma"] = 1 + 0.1 * normal(width)
        weights[f"{name}/beta"] = 0.1 * normal(width)
        weights[f"{name}/moving_mean"] = 0.1 * normal(width)
        weights[f"{name}/moving_variance"] = 1 + 0.1 * normal(width).abs()
    weights |= {
        "dense/kernel": normal(pooled, hidden) / pooled**0.5,
        "dense/bias": normal(hidden),
        "dense_1/kernel": normal(hidden, 5),
        "dense_1/bias": normal(5),
    }
    return weights


def write_taggers(folder: Path, names: tuple[str, ...]) -> None:
    """``NAME.safetensors`` of each, its kind by how the name ends."""
    for seed, name in enumerate(names):
        weights = fcn_weights(seed) if name.endswith("-fcn") else musicnn_weights(seed)
        save_file(weights, folder / f"{name}.safetensors")
