"""TTMR (Doh et al. 2023), as its authors publish it: best.pth and hparams.yaml of ``mtr.tar.gz``.

Beside them the folder needs ``bert-base-uncased`` with config.json and the tokenizer.

Quirks that are handled:
    - Its mel spectrogram is computed from the squared *real part* of the spectrum, without the
      imaginary part; the weights were trained with that.
    - The mel filters are those in the checkpoint.
    - ``logit_scale`` exists twice, once as ``head.logit_scale``.
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
    decibels,
    fill_to_length,
    load_text_encoder,
    load_tokenizer_file,
    read_settings,
    spectrum,
    subfolder,
    tokenize_text,
)
from tunespace.models.model import Vectors

_LONGEST = 64
_HEAD_WIDTH = 32


class Ttmr(CheckpointModel):
    """CNN with a transformer for audio, BERT for text."""

    last_layer = "audio_projector.1.weight"

    @cached_property
    def _settings(self) -> dict[str, Any]:
        settings = read_settings(self.folder / "hparams.yaml")
        if (kind := settings.get("text_type", "bert")) != "bert":
            raise ModelError(f"{self.folder} uses the text encoder {kind}; only BERT is supported")
        return settings

    @property
    def sample_rate(self) -> int:  # type: ignore[override]  # as its settings have it
        """Sample rate in Hz."""
        return int(self._settings.get("sr", 16_000))

    @property
    def seconds(self) -> float:  # type: ignore[override]
        """Length of a window in seconds."""
        return float(self._settings.get("duration", 9.91))

    @cached_property
    def audio_tower(self) -> nn.Sequential:
        """Audio tower without the spectrogram."""
        torch.set_num_threads(1)
        weights = self.weights.part("audio_encoder.")
        encoder = _Encoder(weights)
        fill(encoder, weights)
        return nn.Sequential(encoder, projector(self.weights, "audio_projector."))

    @cached_property
    def text_tower(self) -> tuple[Any, Any, nn.Module]:
        """Tokenizer, encoder and projection."""
        return text_tower(self, str(self._settings.get("text_backbone", "bert-base-uncased")))

    def encode_audio(self, samples: Waveform) -> Vectors:
        """Embed a window; a shorter one is padded with silence."""
        encoder = self.audio_tower
        filters = self.weights["audio_encoder.audio_representation.mel_scale.fb"]
        size = int(self.seconds * self.sample_rate)
        window = fill_to_length(samples, size, how="zeros")
        n_fft = 2 * (filters.shape[0] - 1)
        real = spectrum(window, n_fft=n_fft, hop=int(0.01 * self.sample_rate)).real
        with torch.inference_mode():
            output = encoder(decibels(filters.T @ real**2)[None, None])
        return np.asarray(output[0].numpy(), np.float32)

    def encode_text(self, text: str) -> Vectors:
        """Embed a text of at most 64 tokens by its first token."""
        return first_token(self.text_tower, text, _LONGEST)


def projector(weights: Weights, prefix: str) -> nn.Sequential:
    """Build a layer norm and a linear layer without bias."""
    dim, width = weights[f"{prefix}1.weight"].shape
    projection = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, dim, bias=False))
    fill(projection, weights.part(prefix))
    return projection


def text_tower(
    model: CheckpointModel, name: str, *, pooler: bool = True
) -> tuple[Any, Any, nn.Module]:
    """Return tokenizer, encoder and projection of TTMR and TTMR++."""
    path = subfolder(model.folder, name, "config.json and tokenizer")
    encoder = load_text_encoder(path)
    if not pooler:
        encoder.pooler = None
    fill(encoder, model.weights.part("text_encoder."))
    return load_tokenizer_file(path), encoder, projector(model.weights, "text_projector.")


def first_token(tower: tuple[Any, Any, nn.Module], text: str, longest: int) -> Vectors:
    """Return the projected encoding of a text's first token."""
    tokenizer, encoder, projection = tower
    with torch.inference_mode():
        output = projection(tokenize_text(tokenizer, encoder, text, longest)[:, 0])
    return np.asarray(output[0].numpy(), np.float32)


class _Encoder(nn.Module):
    """Audio tower, with the names of the checkpoint."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        width = int(weights["cls_token"].shape[0])
        positions = int(weights["pos_embedding"].shape[1])
        depth = weights.count(r"transformer\.layers\.(\d+)\.")
        self.frontend = _FrontEnd(
            int(weights["frontend.layer1.conv_1.weight"].shape[0]),
            int(weights["frontend.fc.weight"].shape[1]),
            width,
        )
        self.cls_token = nn.Parameter(torch.empty(width))
        self.pos_embedding = nn.Parameter(torch.empty(1, positions, width))
        self.transformer = _Transformer(width, depth)

    def forward(self, mel: Tensor) -> Tensor:
        """Map ``(n, 1, bands, frames)`` to ``(n, width)``, the encoding of the class token."""
        tokens = self.frontend(mel)
        first = self.cls_token.expand(len(tokens), 1, -1)
        tokens = torch.cat([first, tokens], dim=1)
        output: Tensor = self.transformer(tokens + self.pos_embedding[:, : tokens.shape[1]])
        return output[:, 0]


class _FrontEnd(nn.Module):
    def __init__(self, channels: int, mixed: int, width: int) -> None:
        super().__init__()
        self.input_bn = nn.BatchNorm2d(1)
        self.layer1 = _Convolutions(1, channels)
        self.layer2 = _Convolutions(channels, channels)
        self.layer3 = _Convolutions(channels, channels)
        self.layer4 = _Convolutions(channels, channels)
        self.fc = nn.Linear(mixed, width)

    def forward(self, mel: Tensor) -> Tensor:
        x = self.input_bn(mel)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        # A token is a frame: its channels, and within each its bands.
        output: Tensor = self.fc(x.permute(0, 3, 1, 2).flatten(2))
        return output


class _Convolutions(nn.Module):
    """Two convolutions with a residual connection, and 2x2 max pooling."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.bn_1 = nn.BatchNorm2d(outputs)
        self.conv_2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.bn_2 = nn.BatchNorm2d(outputs)
        self.around = inputs != outputs
        if self.around:
            self.conv_3 = nn.Conv2d(inputs, outputs, 3, padding=1)
            self.bn_3 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.bn_2(self.conv_2(torch.relu(self.bn_1(self.conv_1(x)))))
        if self.around:
            x = self.bn_3(self.conv_3(x))
        return nn.functional.max_pool2d(torch.relu(x + inner), 2)


class _Transformer(nn.Module):
    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.ModuleList([_Residual(width, _Attention(width)), _Residual(width, _Feed(width))])
            for _ in range(depth)
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            for step in layer:  # type: ignore[attr-defined]  # a ModuleList, by its type a Module
                x = step(x)
        return x


class _Residual(nn.Module):
    """Norm, function and residual connection; ``fn.norm`` and ``fn.fn`` in the checkpoint."""

    def __init__(self, width: int, inner: nn.Module) -> None:
        super().__init__()
        self.fn = nn.ModuleDict({"norm": nn.LayerNorm(width), "fn": inner})

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = x + self.fn["fn"](self.fn["norm"](x))
        return output


class _Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.to_qkv = nn.Linear(width, 3 * width, bias=False)
        self.to_out = nn.Sequential(nn.Linear(width, width))

    def forward(self, x: Tensor) -> Tensor:
        split = self.to_qkv(x).unflatten(-1, (3, -1, _HEAD_WIDTH)).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(*split)
        output: Tensor = self.to_out(mixed.transpose(1, 2).flatten(2))
        return output


class _Feed(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        inner = 4 * width
        self.net = nn.Sequential(
            nn.Linear(width, inner), nn.GELU(), nn.Identity(), nn.Linear(inner, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.net(x)
        return output
