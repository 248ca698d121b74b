"""MS-CLAP 2023 (Elizalde et al.), as published in ``microsoft/msclap``: CLAP_weights_2023.pth.

Beside the weights the folder needs ``gpt2`` with config.json and the tokenizer.

Quirks that are handled:
    - The mel filters are those in the checkpoint: the package builds its own for 32 kHz and loads
      the checkpoint's over them.
    - For inputs longer than seven seconds its own front end draws a window at random; here the
      whole track is embedded in windows of seven seconds, and a shorter one is repeated, as there.
    - A text ends with " <|endoftext|>" and is padded with "!", so the last token is located by
      counting the tokens that are not "!": each "!" in the text itself moves it forward.
"""

from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tunespace.audio.decoding import Waveform
from tunespace.models.foreign.checkpoint import Weights, fill
from tunespace.models.foreign.checkpoint_model import CheckpointModel
from tunespace.models.foreign.htsat import htsat
from tunespace.models.foreign.pretrained import (
    decibels,
    fill_to_length,
    load_text_encoder,
    load_tokenizer_file,
    spectrum,
    subfolder,
)
from tunespace.models.model import Vectors

_AUDIO = "audio_encoder.base.htsat."
_TEXT = "caption_encoder.base."
_LONGEST = 77


class MsClap(CheckpointModel):
    """HTS-AT and GPT-2."""

    last_layer = "audio_encoder.projection.linear2.weight"
    sample_rate = 44_100
    seconds = 7.0

    @cached_property
    def audio_tower(self) -> tuple[Any, "Projection"]:
        """HTS-AT and its projection."""
        torch.set_num_threads(1)
        encoder = htsat(self.weights.part(_AUDIO))
        return encoder, Projection.of(self.weights.part("audio_encoder.projection."))

    @cached_property
    def text_tower(self) -> tuple[Any, Any, "Projection"]:
        """Tokenizer, GPT-2 and its projection."""
        path = subfolder(self.folder, "gpt2", "config.json and tokenizer")
        encoder = load_text_encoder(path)
        fill(encoder, self.weights.part(_TEXT))
        projection = Projection.of(self.weights.part("caption_encoder.projection."))
        return load_tokenizer_file(path), encoder, projection

    def encode_audio(self, samples: Waveform) -> Vectors:
        """Embed a window; a shorter one is repeated."""
        encoder, projection = self.audio_tower
        size = round(self.seconds * self.sample_rate)
        power = (
            spectrum(fill_to_length(samples, size, how="repeat"), n_fft=1024, hop=320).abs() ** 2
        )
        mel = decibels(power.T @ self.weights[f"{_AUDIO}logmel_extractor.melW"])
        with torch.inference_mode():
            output = projection(encoder(mel[None, None]).pooler_output)
        return np.asarray(output[0].numpy(), np.float32)

    def encode_text(self, text: str) -> Vectors:
        """Embed a text of at most 77 tokens."""
        tokenizer, encoder, projection = self.text_tower
        ids = tokenizer(f"{text} <|endoftext|>", truncation=True, max_length=_LONGEST)["input_ids"]
        last = sum(number != 0 for number in ids) - 1
        with torch.inference_mode():
            hidden = encoder(torch.tensor([ids])).last_hidden_state
            output = projection(hidden[:, last])
        return np.asarray(output[0].numpy(), np.float32)


class Projection(nn.Module):
    """Two linear layers, the second residual, and a layer norm."""

    def __init__(self, width: int, dim: int) -> None:
        """Build a projection without weights."""
        super().__init__()
        self.linear1 = nn.Linear(width, dim, bias=False)
        self.linear2 = nn.Linear(dim, dim, bias=False)
        self.layer_norm = nn.LayerNorm(dim)

    @classmethod
    def of(cls, weights: Weights) -> "Projection":
        """Build a projection with given weights."""
        dim, width = weights["linear1.weight"].shape
        projection = cls(width, dim)
        fill(projection, weights)
        return projection

    def forward(self, rows: Tensor) -> Tensor:
        """Map ``(n, width)`` to ``(n, dim)``."""
        first = self.linear1(rows)
        output: Tensor = self.layer_norm(first + self.linear2(functional.gelu(first)))
        return output
