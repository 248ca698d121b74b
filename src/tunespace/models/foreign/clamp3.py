"""CLaMP 3 (Wu et al. 2025), as published in ``sander-wood/clamp3``: weights_clamp3_*.pth.

Beside the weights the folder needs the folders of its pretrained encoders: ``MERT-v1-95M`` with
config.json and weights, ``xlm-roberta-base`` with config.json and the tokenizer. The encoder of
scores is left out.

Quirks that are handled:
    - The waveform is normalised to mean 0 and variance 1 over the whole track, before it is cut.
    - Five seconds give one vector: the mean of *all* layers of MERT, including its input.
    - A track is a sequence of such vectors with a zero vector before and after, at most 128 at
      once; the last 128 are used as a whole, weighted by the number of vectors that are left.
    - Embeddings were not normalised in training; here they are, to be ranked.
    - Each line of a text counts once. The authors shuffle the lines; here they keep their order.
"""

from collections.abc import Iterator
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tunespace.audio import decode_blocks
from tunespace.audio.decoding import Waveform
from tunespace.models.foreign.checkpoint import Weights, fill, find_weights, read_weights
from tunespace.models.foreign.checkpoint_model import CheckpointModel
from tunespace.models.foreign.pretrained import (
    load_text_encoder,
    load_tokenizer_file,
    read_settings,
    subfolder,
)
from tunespace.models.model import AudioEmbedding, EmbeddedWindow, Vectors
from tunespace.models.onnx_towers import normalize_rows

_TOKENS = 128
_HEAD = 64


class Clamp3(CheckpointModel):
    """MERT and a transformer for audio, XLM-RoBERTa for text."""

    last_layer = "audio_proj.weight"
    sample_rate = 24_000
    seconds = 5.0

    @cached_property
    def audio_tower(self) -> tuple[Any, Any, nn.Linear]:
        """MERT, the transformer over its vectors, and the projection."""
        torch.set_num_threads(1)
        path = subfolder(self.folder, "MERT-v1-95M", "config.json and weights")
        encoder = _transformer(self.weights.part("audio_model."))
        return _mert(path), encoder, _linear(self.weights, "audio_proj.")

    @cached_property
    def text_tower(self) -> tuple[Any, Any, nn.Linear]:
        """Tokenizer, encoder and projection."""
        path = subfolder(self.folder, "xlm-roberta-base", "config.json and tokenizer")
        encoder = load_text_encoder(path)
        fill(encoder, self.weights.part("text_model."), without=("pooler.",))
        return load_tokenizer_file(path), encoder, _linear(self.weights, "text_proj.")

    def encode_audio(self, samples: Waveform) -> Vectors:
        """Return MERT's ``(width,)`` vector of five seconds, not yet in the embedding space."""
        mert, _, _ = self.audio_tower
        window = torch.from_numpy(np.ascontiguousarray(samples, np.float32))
        with torch.inference_mode():
            layers = mert(window[None], output_hidden_states=True).hidden_states
            mean = torch.stack(layers).mean(dim=2).mean(dim=0)[0]
        return np.asarray(mean.numpy(), np.float32)

    def encode_text(self, text: str) -> Vectors:
        """Embed a text of any length."""
        tokenizer, encoder, projection = self.text_tower
        lines = [line for line in dict.fromkeys(text.split("\n")) if line]
        ids = tokenizer(tokenizer.sep_token.join(lines), truncation=False)["input_ids"]
        pieces = _pieces(torch.tensor(ids), _TOKENS)
        with torch.inference_mode():
            outputs = [
                projection(encoder(piece[None]).last_hidden_state.mean(dim=1))[0]
                for piece, _ in pieces
            ]
        return _weighted_mean(outputs, [count for _, count in pieces])

    def embed_file(
        self, path: str | PathLike[str], *, start: float = 0.0, duration: float | None = None
    ) -> AudioEmbedding:
        """Embed a track; its windows are parts of up to 640 s.

        Raises:
            AudioError: The file cannot be read.
        """
        _, encoder, projection = self.audio_tower
        mean, deviation = self._loudness(path, start, duration)
        parts = [
            (
                begin,
                begin + len(samples) / self.sample_rate,
                self.encode_audio((samples - mean) / deviation),
            )
            for begin, samples in self._windows(path, start, duration)
        ]
        rows = torch.from_numpy(np.stack([row for _, _, row in parts]))
        silence = torch.zeros_like(rows[:1])
        longest = int(encoder.config.max_position_embeddings)
        pieces = _pieces(torch.cat([silence, rows, silence]), longest)
        with torch.inference_mode():
            vectors = [
                projection(encoder(inputs_embeds=piece[None]).last_hidden_state.mean(dim=1))[0]
                for piece, _ in pieces
            ]
        counts = [count for _, count in pieces]
        windows = tuple(
            EmbeddedWindow(first, last, normalize_rows(vector.numpy()))
            for (first, last), vector in zip(_window_spans(parts, counts), vectors, strict=True)
        )
        return AudioEmbedding(
            parts[-1][1], normalize_rows(_weighted_mean(vectors, counts)), windows
        )

    def _loudness(
        self, path: str | PathLike[str], start: float, duration: float | None
    ) -> tuple[float, float]:
        """Return mean and deviation of all samples of a track, without holding it in memory."""
        count, total, squares = 0, 0.0, 0.0
        for block in decode_blocks(path, self.sample_rate, start=start, duration=duration):
            exact = block.astype(np.float64)
            count += len(exact)
            total += float(exact.sum())
            squares += float((exact**2).sum())
        mean = total / max(count, 1)
        variance = max(squares / max(count, 1) - mean**2, 0.0)
        return mean, float(np.sqrt(variance + 1e-7))


def _pieces(rows: Tensor, longest: int) -> list[tuple[Tensor, int]]:
    """Return pieces of at most ``longest`` rows, and the number of rows that each represents."""
    pieces = [
        (rows[k : k + longest], min(longest, len(rows) - k)) for k in range(0, len(rows), longest)
    ]
    if len(pieces) > 1:
        pieces[-1] = (rows[-longest:], pieces[-1][1])
    return pieces


def _window_spans(
    parts: list[tuple[float, float, Vectors]], counts: list[int]
) -> Iterator[tuple[float, float]]:
    """Return the seconds that each piece represents; the first begins with the zero vector."""
    at = -1
    for count in counts:
        first = min(max(at, 0), len(parts) - 1)
        at += count
        last = min(max(at - 1, first), len(parts) - 1)
        yield parts[first][0], parts[last][1]


def _weighted_mean(rows: list[Tensor], counts: list[int]) -> Vectors:
    weights = torch.tensor(counts, dtype=torch.float32)[:, None]
    mean = (torch.stack(rows) * weights).sum(dim=0) / weights.sum()
    return np.asarray(mean.numpy(), np.float32)


def _linear(weights: Weights, prefix: str) -> nn.Linear:
    dim, width = weights[f"{prefix}weight"].shape
    linear = nn.Linear(width, dim)
    fill(linear, weights.part(prefix))
    return linear


def _transformer(weights: Weights) -> Any:  # noqa: ANN401 - transformers' model
    """Build BERT over vectors instead of words, with sizes from the shapes of the weights."""
    from transformers import BertConfig, BertModel

    positions, width = weights["embeddings.position_embeddings.weight"].shape
    config = BertConfig(
        vocab_size=1,
        hidden_size=width,
        num_hidden_layers=weights.count(r"encoder\.layer\.(\d+)\."),
        num_attention_heads=width // _HEAD,
        intermediate_size=int(weights["encoder.layer.0.intermediate.dense.weight"].shape[0]),
        max_position_embeddings=positions,
    )
    builder: Any = BertModel
    encoder = builder(config)
    fill(encoder, weights, without=("pooler.",))
    return encoder


def _mert(path: Path) -> Any:  # noqa: ANN401 - transformers' model
    """Load MERT, which is HuBERT on music; its config names a class that only its authors have."""
    from transformers import HubertConfig, HubertModel

    settings = read_settings(path / "config.json")
    known = {
        k: v for k, v in settings.items() if k not in ("model_type", "auto_map", "_name_or_path")
    }
    builder: Any = HubertModel
    model = builder(HubertConfig(**known))
    fill(model, read_weights(find_weights(path)), without=("masked_spec_embed",))
    return model
