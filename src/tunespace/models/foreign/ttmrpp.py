"""TTMR++ (Doh et al. 2024), as published in ``seungheondoh/ttmr-pp``: one .pth and one .yaml.

Beside them the folder needs ``roberta-base`` with config.json and the tokenizer.

Quirks that are handled:
    - The spectrogram's floor is 8 below the maximum of the whole batch, so that the rest of the
      batch changes an embedding; here each window is a batch of its own.
    - The positional embedding of the attention pool has one row, which all positions share.
    - ``text_encoder.pooler.dense`` has no weights, since the pooler is not used.
    - ``logit_scale`` exists twice, once as ``loss_fct.logit_scale``.
    - Embeddings are not normalised.
"""

from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tunespace.audio.decoding import Waveform
from tunespace.errors import ModelError
from tunespace.models.foreign.checkpoint import Weights, fill
from tunespace.models.foreign.checkpoint_model import CheckpointModel
from tunespace.models.foreign.pretrained import (
    fill_to_length,
    mel_filters,
    read_settings,
    spectrum,
)
from tunespace.models.foreign.ttmr import first_token, projector, text_tower
from tunespace.models.model import Vectors


class TtmrPp(CheckpointModel):
    """CLIP's modified ResNet for audio, RoBERTa for text."""

    last_layer = "audio_projector.1.weight"

    @cached_property
    def _settings(self) -> dict[str, Any]:
        files = sorted([*self.folder.glob("*.yaml"), *self.folder.glob("*.yml")])
        if len(files) != 1:
            raise ModelError(f"{self.folder} must contain one .yaml with the settings")
        return read_settings(files[0])

    @property
    def sample_rate(self) -> int:  # type: ignore[override]  # as its settings have it
        """Sample rate in Hz."""
        return int(self._settings.get("sr", 22_050))

    @property
    def seconds(self) -> float:  # type: ignore[override]
        """Length of a window in seconds."""
        return float(self._settings.get("duration", 10))

    @cached_property
    def audio_tower(self) -> nn.Sequential:
        """Audio tower without the spectrogram."""
        torch.set_num_threads(1)
        weights = self.weights.part("audio_encoder.")
        encoder = _ResNet(weights, heads=int(self._settings.get("n_heads", 8)))
        fill(encoder, weights)
        return nn.Sequential(encoder, projector(self.weights, "audio_projector."))

    @cached_property
    def text_tower(self) -> tuple[Any, Any, nn.Module]:
        """Tokenizer, encoder and projection."""
        return text_tower(self, str(self._settings.get("text_arch", "roberta-base")), pooler=False)

    @cached_property
    def _filters(self) -> Tensor:
        bands = int(self._settings.get("n_mels", 128))
        return mel_filters(self.sample_rate, self._n_fft, bands, scale="slaney")

    @property
    def _n_fft(self) -> int:
        return int(self._settings.get("n_fft", 1024))

    def spectrogram(self, samples: Waveform) -> Tensor:
        """Return the ``(bands, frames)`` spectrogram of a window, padded with silence."""
        window = fill_to_length(samples, int(self.seconds * self.sample_rate), how="zeros")
        hop = int(float(self._settings.get("hop_size", 0.01)) * self.sample_rate)
        power = spectrum(window, n_fft=self._n_fft, hop=hop)[:, :-1].abs() ** 2
        logs = (self._filters.T @ power).clamp(min=1e-10).log10()
        return (logs.maximum(logs.max() - 8) + 4) / 4

    def encode_audio(self, samples: Waveform) -> Vectors:
        """Embed a window."""
        encoder = self.audio_tower
        with torch.inference_mode():
            output = encoder(self.spectrogram(samples)[None, None])
        return np.asarray(output[0].numpy(), np.float32)

    def encode_text(self, text: str) -> Vectors:
        """Embed a text by its first token."""
        return first_token(self.text_tower, text, int(self._settings.get("max_length", 128)))


class _ResNet(nn.Module):
    """Modified ResNet, with the names of the checkpoint, which are those of CLIP."""

    def __init__(self, weights: Weights, heads: int) -> None:
        super().__init__()
        half, width = (int(weights[f"conv{n}.weight"].shape[0]) for n in (1, 3))
        self.conv1 = nn.Conv2d(1, half, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(half)
        self.conv2 = nn.Conv2d(half, half, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv3 = nn.Conv2d(half, width, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.layer1 = _stage(weights, 1, width, width)
        self.layer2 = _stage(weights, 2, 4 * width, 2 * width)
        self.layer3 = _stage(weights, 3, 8 * width, 4 * width)
        self.layer4 = _stage(weights, 4, 16 * width, 8 * width)
        outputs = int(weights["attn_pool.c_proj.weight"].shape[0])
        self.attn_pool = _AttentionPool(32 * width, outputs, heads)

    def forward(self, mel: Tensor) -> Tensor:
        """Map ``(n, 1, bands, frames)`` to ``(n, width)``."""
        x = torch.relu(self.bn1(self.conv1(mel)))
        x = torch.relu(self.bn2(self.conv2(x)))
        x = torch.relu(self.bn3(self.conv3(x)))
        x = nn.functional.avg_pool2d(x, 2)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        pooled: Tensor = self.attn_pool(x)
        return pooled


def _stage(weights: Weights, number: int, inputs: int, planes: int) -> nn.Sequential:
    blocks = weights.count(rf"layer{number}\.(\d+)\.")
    stride = 1 if number == 1 else 2
    rest = [_Bottleneck(4 * planes, planes, 1) for _ in range(1, blocks)]
    return nn.Sequential(_Bottleneck(inputs, planes, stride), *rest)


class _Bottleneck(nn.Module):
    """Bottleneck block that downsamples by average pooling."""

    def __init__(self, inputs: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, 4 * planes, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * planes)
        self.stride = stride
        if stride > 1 or inputs != 4 * planes:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, 4 * planes, 1, bias=False), nn.BatchNorm2d(4 * planes)
            )

    def forward(self, x: Tensor) -> Tensor:
        inner = torch.relu(self.bn1(self.conv1(x)))
        inner = torch.relu(self.bn2(self.conv2(inner)))
        if self.stride > 1:
            inner = nn.functional.avg_pool2d(inner, self.stride)
            x = nn.functional.avg_pool2d(x, self.stride)
        inner = self.bn3(self.conv3(inner))
        if hasattr(self, "downsample"):
            x = self.downsample(x)
        return torch.relu(inner + x)


class _AttentionPool(nn.Module):
    """Attention pooling whose query is the mean of all positions."""

    def __init__(self, width: int, outputs: int, heads: int) -> None:
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.empty(1, width))
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.c_proj = nn.Linear(width, outputs)
        self.heads = heads

    def forward(self, x: Tensor) -> Tensor:
        places = x.flatten(2).transpose(1, 2)
        places = torch.cat([places.mean(dim=1, keepdim=True), places], dim=1)
        places = places + self.positional_embedding
        q, k, v = (
            layer(rows).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, rows in (
                (self.q_proj, places[:, :1]),
                (self.k_proj, places),
                (self.v_proj, places),
            )
        )
        mixed = nn.functional.scaled_dot_product_attention(q, k, v)
        output: Tensor = self.c_proj(mixed.transpose(1, 2).flatten(1))
        return output
