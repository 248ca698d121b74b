from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn import functional

from tiny_taggers import fcn_weights, musicnn_weights
from tunespace.training.bundled.distillation.teachers import (
    MUSICNN_FRAMES,
    load_fcn,
    load_musicnn,
)

LOG_MEL = torch.rand(2, 1280, 96, generator=torch.Generator().manual_seed(3)) * 60 - 40


def test_the_fcn_equals_the_original_implementation(tmp_path: Path) -> None:
    weights = fcn_weights(0)
    save_file(weights, tmp_path / "one-fcn.safetensors")

    def normalised(x: torch.Tensor, name: str) -> torch.Tensor:
        mean, variance = weights[f"{name}.running_mean"], weights[f"{name}.running_var"]
        return functional.batch_norm(
            x, mean, variance, weights[f"{name}.weight"], weights[f"{name}.bias"]
        )

    x = normalised(LOG_MEL.transpose(1, 2)[:, None], "spec_bn")
    for layer, pool in enumerate(((2, 4), (2, 4), (2, 4), (3, 5), (4, 4)), start=1):
        convolution = weights[f"layer{layer}.conv.weight"], weights[f"layer{layer}.conv.bias"]
        x = functional.relu(
            normalised(functional.conv2d(x, *convolution, padding=1), f"layer{layer}.bn")
        )
        x = functional.max_pool2d(x, pool)
    expected = x.flatten(1) @ weights["dense.weight"].T + weights["dense.bias"]
    with torch.no_grad():
        found = load_fcn(tmp_path / "one-fcn.safetensors")(LOG_MEL)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_the_fcn_accepts_shorter_windows(tmp_path: Path) -> None:
    save_file(fcn_weights(0), tmp_path / "one-fcn.safetensors")
    fcn = load_fcn(tmp_path / "one-fcn.safetensors")
    assert fcn(LOG_MEL[:, :640]).shape == (2, 5)


def test_wide_filters_detect_rhythm_in_any_band(tmp_path: Path) -> None:
    weights = musicnn_weights(1)
    for name in ("conv2d", "conv2d_1"):
        weights[f"{name}/kernel"].zero_()  # the tall ones: where along the bands is heard
    save_file(weights, tmp_path / "one-musicnn.safetensors")
    musicnn = load_musicnn(tmp_path / "one-musicnn.safetensors")
    quiet = torch.full((1, MUSICNN_FRAMES, 96), -100.0)
    low, high = quiet.clone(), quiet.clone()
    low[:, 60:90, 40] = 20.0
    high[:, 60:90, 50] = 20.0
    outputs = [musicnn(window) for window in (quiet, low, high)]
    assert outputs[0].shape == (1, 5)
    torch.testing.assert_close(outputs[1], outputs[2], atol=1e-4, rtol=1e-4)
    assert (outputs[0] - outputs[1]).abs().max() > 1e-3
