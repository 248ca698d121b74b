"""Teachers: music taggers of other projects, loaded from their weights.

Two architectures. ``Fcn`` (Choi et al. 2016; weights by Won et al. 2020, "Evaluation of CNN-based
automatic music tagging models", MIT) is five convolutions over a log-mel spectrogram. ``Musicnn``
(Pons et al. 2018; weights by Jordi Pons 2019, ISC) has tall filters for timbre and wide ones for
rhythm.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from tunespace.audio import LogMel

FCN_FRONT_END = LogMel(
    n_fft=512,
    hop=256,
    n_mels=96,
    f_min=0.0,
    floor=1e-10,
    min_db=-100.0,
    max_db=53.0,
    scale="htk",
)
MUSICNN_FRONT_END = LogMel(
    n_fft=512, hop=256, n_mels=96, f_min=0.0, floor=1e-10, min_db=-100.0, max_db=53.0
)
MUSICNN_FRAMES = 187

_POOLS = ((2, 4), (2, 4), (2, 4), (3, 5))


class Fcn(nn.Module):
    """Convolution, ReLU and max pooling, five times, then one linear layer.

    Batch normalisation is folded into the convolutions. The last pooling is over everything that is
    left, so that windows of any length from 5.12 s on are possible.
    """

    def __init__(self, channels: tuple[int, ...] = (64, 128, 128, 128, 64), tags: int = 50) -> None:
        """Build the network; ``load_fcn`` loads its weights."""
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.shift = nn.Parameter(torch.zeros(()))
        before = (1, *channels[:-1])
        self.convolutions = nn.ModuleList(
            nn.Conv2d(some, more, 3, padding=1) for some, more in zip(before, channels, strict=True)
        )
        self.dense = nn.Linear(channels[-1], tags)

    def forward(self, log_mel: Tensor) -> Tensor:
        """Map ``(batch, frames, 96)`` decibels to ``(batch, tags)`` logits."""
        answer: Tensor = self.features(log_mel)[-1]
        return answer

    def features(self, log_mel: Tensor) -> list[Tensor]:
        """Return the output of each pooling, and the logits as the last element."""
        x = self.entered(log_mel)
        outputs = []
        for number in range(len(self.convolutions)):
            x = self.step(number, x)
            outputs.append(x)
        return [*outputs, self.dense(x)]

    def entered(self, log_mel: Tensor) -> Tensor:
        """Return the input as the first convolution reads it, ``(batch, 1, 96, frames)``."""
        return log_mel.transpose(1, 2).unsqueeze(1) * self.scale + self.shift

    def step(self, number: int, x: Tensor) -> Tensor:
        """Apply one convolution, ReLU and max pooling."""
        x = functional.relu(self.convolutions[number](x))
        if number == len(_POOLS):
            return x.amax(dim=(2, 3))
        return functional.max_pool2d(x, _POOLS[number])


def load_fcn(path: Path) -> Fcn:
    """Load an FCN from safetensors with the keys of its authors."""
    weights = load_file(path)
    layers = range(1, 6)
    channels = tuple(len(weights[f"layer{layer}.conv.bias"]) for layer in layers)
    fcn = Fcn(channels, len(weights["dense.bias"]))
    with torch.no_grad():
        fcn.scale.copy_(_spread(weights, "spec_bn", 1e-5)[0])
        fcn.shift.copy_(weights["spec_bn.bias"][0] - weights["spec_bn.running_mean"][0] * fcn.scale)
        for layer, convolution in zip(layers, fcn.convolutions, strict=True):
            spread = _spread(weights, f"layer{layer}.bn", 1e-5)
            bias = weights[f"layer{layer}.conv.bias"] - weights[f"layer{layer}.bn.running_mean"]
            weight = weights[f"layer{layer}.conv.weight"] * spread[:, None, None, None]
            folded = {"weight": weight, "bias": bias * spread + weights[f"layer{layer}.bn.bias"]}
            convolution.load_state_dict(folded)
        fcn.dense.weight.copy_(weights["dense.weight"])
        fcn.dense.bias.copy_(weights["dense.bias"])
    return fcn.eval()


def _spread(weights: dict[str, Tensor], name: str, epsilon: float) -> Tensor:
    return weights[f"{name}.weight"] / torch.sqrt(weights[f"{name}.running_var"] + epsilon)


class Musicnn(nn.Module):
    """Tall and wide filters over three seconds; weights have the names of TensorFlow."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        """Take the weights as they are stored; they are not trained."""
        super().__init__()
        self.weights = weights

    def forward(self, log_mel: Tensor) -> Tensor:
        """Map ``(batch, 187, 96)`` decibels (Slaney's bands) to ``(batch, tags)`` logits."""
        x = torch.log10(10_000 * torch.pow(10.0, log_mel / 10) + 1).unsqueeze(1)
        x = self._normalised(x, 0)
        timbre = [self._convolved(x, n, (0, 0, 3, 3)) for n in (0, 1)]
        rhythm = [
            self._convolved(x, n, (0, 0, (k - 1) // 2, k - 1 - (k - 1) // 2))
            for n, k in ((2, 128), (3, 64), (4, 32))
        ]
        front = torch.cat([part.amax(dim=3) for part in timbre + rhythm], dim=1)
        first = self._along_time(front, 5)
        second = first + self._along_time(first, 6)
        third = second + self._along_time(second, 7)
        whole = torch.cat([front, first, second, third], dim=1)
        pooled = torch.stack([whole.amax(dim=2), whole.mean(dim=2)], dim=2).flatten(1)
        x = self._normalised(pooled, 9)
        x = functional.relu(x @ self.weights["dense/kernel"] + self.weights["dense/bias"])
        x = self._normalised(x, 10)
        return x @ self.weights["dense_1/kernel"] + self.weights["dense_1/bias"]

    def _convolved(self, x: Tensor, number: int, padding: tuple[int, int, int, int]) -> Tensor:
        name = _numbered("conv2d", number)
        kernel = self.weights[f"{name}/kernel"].permute(3, 2, 0, 1)
        x = functional.conv2d(functional.pad(x, padding), kernel, self.weights[f"{name}/bias"])
        return self._normalised(functional.relu(x), number + 1)

    def _along_time(self, x: Tensor, number: int) -> Tensor:
        kernel = self.weights[f"conv2d_{number}/kernel"][:, :, 0, :].permute(2, 1, 0)
        bias = self.weights[f"conv2d_{number}/bias"]
        x = functional.conv1d(functional.pad(x, (3, 3)), kernel, bias)
        return self._normalised(functional.relu(x), number + 1)

    def _normalised(self, x: Tensor, number: int) -> Tensor:
        name = _numbered("batch_normalization", number)
        gamma, beta, mean, variance = (
            self.weights[f"{name}/{part}"]
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        spread = gamma / torch.sqrt(variance + 1e-3)
        shape = [1, -1, *[1] * (x.dim() - 2)]
        return x * spread.view(shape) + (beta - mean * spread).view(shape)


def load_musicnn(path: Path) -> Musicnn:
    """Load a musicnn from safetensors with the keys of its author's TensorFlow graph."""
    return Musicnn(load_file(path)).eval()


def _numbered(name: str, number: int) -> str:
    return f"{name}_{number}" if number else name
