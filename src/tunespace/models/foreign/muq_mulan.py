"""MuQ-MuLan (Zhu et al. 2025), as published in ``OpenMuQ/MuQ-MuLan-large``.

Beside config.json and the weights the folder needs its pretrained encoders, under the names in its
config: ``MuQ-large-msd-iter`` with config.json, ``xlm-roberta-base`` with config.json and the
tokenizer.

Quirks that are handled:
    - The last window is filled with the beginning of the track.
    - A track is the mean of its windows' unit vectors, so it is not of unit length itself.
    - Means over tokens include padding; here nothing is padded.
    - ``mulan.audio.aggregator`` and transformers without layers are in the checkpoint, unused.
    - The training loss takes the exponential before the logarithm and overflows at large scales; it
      is not used here.
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
    load_text_encoder,
    load_tokenizer_file,
    mel_filters,
    read_settings,
    spectrum,
    subfolder,
    tokenize_text,
)
from tunespace.models.model import Vectors

_STRIDES = {4: (2, 2), 2: (2, 1)}


class MuqMulan(CheckpointModel):
    """MuQ's conformer for audio, XLM-RoBERTa for text."""

    last_layer = "mulan.audio_to_latents.weight"
    wraps = True

    @cached_property
    def _settings(self) -> dict[str, Any]:
        settings = read_settings(self.folder / "config.json")
        wanted = ("mulan", "audio_model", "text_model", "audio_transformer", "text_transformer")
        if missing := [name for name in wanted if not isinstance(settings.get(name), dict)]:
            raise ModelError(f"{self.folder / 'config.json'} lacks {', '.join(missing)}")
        return settings

    @property
    def sample_rate(self) -> int:  # type: ignore[override]  # as its settings have it
        """Sample rate in Hz."""
        return int(self._settings["mulan"].get("sr", 24_000))

    @property
    def seconds(self) -> float:  # type: ignore[override]
        """Length of a window in seconds."""
        return float(self._settings["mulan"].get("clip_secs", 10))

    @cached_property
    def _weights(self) -> Weights:
        return self.weights.part("mulan.")

    @cached_property
    def audio_tower(self) -> "_Audio":
        """Audio tower, from samples on."""
        torch.set_num_threads(1)
        name = str(self._settings["audio_model"].get("name", ""))
        if "muq" not in name.lower():
            raise ModelError(
                f"{self.folder} uses the audio encoder {name!r}; only MuQ is supported"
            )
        path = subfolder(self.folder, name, "config.json")
        layer = int(self._settings["audio_model"].get("use_layer_idx", -1))
        tower = _Audio(
            read_settings(path / "config.json"),
            self._settings["audio_transformer"],
            self.dim,
            layer,
        )
        weights = self._weights.part("audio.")
        weights |= weights.part("model.model.") | self._weights.part("audio_to_")
        fill(tower, weights)
        return tower

    @cached_property
    def text_tower(self) -> tuple[Any, Any, nn.Module]:
        """Tokenizer, encoder and head."""
        path = subfolder(
            self.folder, str(self._settings["text_model"]["name"]), "config.json and tokenizer"
        )
        encoder = load_text_encoder(path)
        weights = self._weights.part("text.")
        fill(encoder, weights.part("model."), without=("pooler.",))
        head = _Head(int(encoder.config.hidden_size), self._settings["text_transformer"], self.dim)
        if "proj.weight" not in weights:  # has this width already
            head.proj = nn.Identity()
        weights |= self._weights.part("text_to_")
        fill(head, weights)
        return load_tokenizer_file(path), encoder, head

    def encode_audio(self, samples: Waveform) -> Vectors:
        """Embed a window as a unit vector: the authors average those."""
        tower = self.audio_tower
        with torch.inference_mode():
            output = tower(torch.from_numpy(np.ascontiguousarray(samples, np.float32)))
        return np.asarray(output[0].numpy(), np.float32)

    def encode_text(self, text: str) -> Vectors:
        """Embed a text, truncated to the encoder's maximum."""
        tokenizer, encoder, head = self.text_tower
        longest = int(encoder.config.max_position_embeddings) - 2
        with torch.inference_mode():
            output = head(tokenize_text(tokenizer, encoder, text, longest))
        return np.asarray(output[0].numpy(), np.float32)


class _Head(nn.Module):
    """Projection, transformer, mean over tokens, and latent projection."""

    def __init__(self, width: int, settings: dict[str, Any], latents: int) -> None:
        super().__init__()
        dim = int(settings.get("dim", 768))
        self.proj: nn.Module = nn.Linear(width, dim)
        self.transformer = _Transformer(
            dim,
            int(settings.get("tf_depth", 8)),
            int(settings.get("heads", 8)),
            int(settings.get("dim_head", 64)),
            float(settings.get("ff_mult", 4)),
        )
        self.latents = nn.Linear(dim, latents)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map ``(n, tokens, width)`` to ``(n, latents)``, unit rows."""
        mean = self.transformer(self.proj(tokens)).mean(dim=1)
        return nn.functional.normalize(self.latents(mean), dim=-1)


class _Audio(_Head):
    """MuQ and its head."""

    def __init__(
        self, muq: dict[str, Any], settings: dict[str, Any], latents: int, layer: int
    ) -> None:
        from transformers import Wav2Vec2ConformerConfig
        from transformers.models.wav2vec2_conformer.modeling_wav2vec2_conformer import (
            Wav2Vec2ConformerEncoder,
        )

        width = int(muq.get("encoder_dim", 1024))
        super().__init__(width, settings, latents)
        bands, channels = int(muq.get("n_mels", 128)), int(muq.get("conv_dim", 512))
        self.hop = int(muq.get("hop_length", 240))
        stat = muq.get("stat") or {}
        self.mean = float(stat.get("melspec_2048_mean", 0))
        self.std = float(stat.get("melspec_2048_std", 1))
        self.layer = layer
        self.filters = mel_filters(24_000, 2048, bands, scale="htk")
        self.conv = _Subsampling(
            bands, channels, width, _STRIDES[100 // int(muq.get("label_rate", 25))]
        )
        options = dict(muq.get("w2v2_config") or {})
        options |= {"num_hidden_layers": int(muq.get("encoder_depth", 12)), "hidden_size": width}
        options["attn_implementation"] = "eager"
        encoder: Any = Wav2Vec2ConformerEncoder
        self.conformer = encoder(Wav2Vec2ConformerConfig(**options))

    def forward(self, samples: Tensor) -> Tensor:
        """Map ``(samples,)`` at 24 kHz to ``(1, latents)``."""
        power = spectrum(samples, n_fft=2048, hop=self.hop)[:, :-1].abs() ** 2
        mel = (decibels(self.filters.T @ power) - self.mean) / self.std
        output = self.conformer(self.conv(mel[None, None]), output_hidden_states=self.layer != -1)
        tokens = output.last_hidden_state if self.layer == -1 else output.hidden_states[self.layer]
        return super().forward(tokens)


class _Subsampling(nn.Module):
    """Two residual convolutions and a linear layer, with the names of the checkpoint."""

    def __init__(self, bands: int, channels: int, width: int, strides: tuple[int, int]) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            _Residual(1, channels, (2, strides[0])), _Residual(channels, channels, (2, strides[1]))
        )
        self.linear = nn.Linear(channels * bands // 4, width)

    def forward(self, mel: Tensor) -> Tensor:
        output: Tensor = self.linear(self.conv(mel).permute(0, 3, 1, 2).flatten(2))
        return output


class _Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, stride=stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv3 = nn.Conv2d(inputs, outputs, 3, padding=1, stride=stride)
        self.bn3 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(self.bn3(self.conv3(x)) + inner)


class _Norm(nn.Module):
    """Layer norm without bias."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.learned_gamma = nn.Parameter(torch.empty(width))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.layer_norm(x, x.shape[-1:], self.learned_gamma)


class _Attention(nn.Module):
    """Attention with normalised keys and queries, learned scales, and a factor of eight."""

    def __init__(self, width: int, heads: int, size: int) -> None:
        super().__init__()
        inner = heads * size
        self.heads = heads
        self.norm = _Norm(width)
        self.to_q = nn.Linear(width, inner, bias=False)
        self.to_kv = nn.Linear(width, 2 * inner, bias=False)
        self.q_scale = nn.Parameter(torch.empty(size))
        self.k_scale = nn.Parameter(torch.empty(size))
        self.to_out = nn.Sequential(nn.Linear(inner, width, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(x)
        q, k, v = (
            rows.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for rows in (self.to_q(x), *self.to_kv(x).chunk(2, dim=-1))
        )
        q = nn.functional.normalize(q, dim=-1) * self.q_scale
        k = nn.functional.normalize(k, dim=-1) * self.k_scale
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, scale=8.0)
        output: Tensor = self.to_out(mixed.transpose(1, 2).flatten(2))
        return output


class _Gate(nn.Module):
    """GEGLU: one half of the input times GELU of the other."""

    def forward(self, x: Tensor) -> Tensor:
        x, gate = x.chunk(2, dim=-1)
        return nn.functional.gelu(gate) * x


class _Transformer(nn.Module):
    def __init__(self, width: int, depth: int, heads: int, size: int, times: float) -> None:
        super().__init__()
        inner = int(width * times * 2 / 3)
        self.layers = nn.ModuleList(
            nn.ModuleList(
                [
                    _Attention(width, heads, size),
                    nn.Sequential(
                        _Norm(width),
                        nn.Linear(width, 2 * inner, bias=False),
                        _Gate(),
                        nn.Identity(),
                        nn.Linear(inner, width, bias=False),
                    ),
                ]
            )
            for _ in range(depth)
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            for step in layer:  # type: ignore[attr-defined]  # a ModuleList, by its type a Module
                x = step(x) + x
        return x
