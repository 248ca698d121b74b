"""ConSE: a joint space without training (Norouzi et al. 2014).

A track is the mean of the text embeddings of its ten most probable tags, weighted by probability. A
model has to beat it to show that it learned from pairs of music and text.

The tagger is the fully convolutional network of Won et al. 2020 (16 kHz, 29 s, 96 mel bands, five
convolutions), read from safetensors under its published names. ``conse.json``::

    {"weights": "jamendo-fcn.safetensors", "tags": ["genre---rock", ...], "text": "tunespace-small"}

Create a folder with::

    python -m tunespace.models.foreign.conse WEIGHTS TAGS.json KEY OUT [--text MODEL]
"""

import argparse
import json
import shutil
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tunespace.audio.decoding import Waveform
from tunespace.errors import ModelError
from tunespace.models.foreign.base import ForeignModel
from tunespace.models.model import Model, Vectors, load_model

_TOP_TAGS = 10
_POOLS = ((2, 4), (2, 4), (2, 4), (3, 5), (4, 4))


class Conse(ForeignModel):
    """Tagger and the text tower of a model folder."""

    sample_rate = 16_000
    seconds = 29.0

    @cached_property
    def _settings(self) -> dict[str, Any]:
        try:
            settings = json.loads((self.folder / "conse.json").read_text(encoding="utf-8"))
            return {key: settings[key] for key in ("weights", "tags", "text")}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{self.folder / 'conse.json'} cannot be read ({error!r})") from error

    @cached_property
    def _text(self) -> Model:
        return load_model(self._settings["text"])

    @property
    def dim(self) -> int:
        """Dimension of the text model's space."""
        return self._text.dim

    @cached_property
    def files(self) -> dict[str, str]:
        """sha256 of the files of the folder, and the identity of the text model."""
        return super().files | {"text": self._text.identity}

    @cached_property
    def audio_tower(self) -> "Tagger":
        """The tagger."""
        return Tagger(self.folder / self._settings["weights"])

    @cached_property
    def _tags(self) -> Vectors:
        """``(tags, dim)`` embeddings of the tags, each without its category."""
        words = [str(tag).rpartition("---")[2] for tag in self._settings["tags"]]
        return self._text.embed_text(words)

    def encode_audio(self, samples: Waveform) -> Vectors:
        """Embed a window; a shorter one is repeated to full length."""
        size = round(self.seconds * self.sample_rate)
        full = np.tile(samples, -(-size // len(samples)))[:size]
        sure = 1 / (1 + np.exp(-self.audio_tower(full)))
        if len(sure) != len(self._tags):
            raise ModelError(f"{self.folder}: {len(sure)} outputs, but {len(self._tags)} tags")
        best = np.argsort(-sure)[:_TOP_TAGS]
        return np.asarray(sure[best] @ self._tags[best] / sure[best].sum(), np.float32)

    def encode_text(self, text: str) -> Vectors:
        """Embed a text with the text model."""
        row: Vectors = self._text.embed_text([text])[0]
        return row


class Tagger:
    """Fully convolutional tagger: 29 s of samples to one logit per tag."""

    def __init__(self, weights: Path) -> None:
        """Take the weights.

        Raises:
            ModelError: The weights are not those of this tagger.
        """
        import torch
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        torch.set_num_threads(1)
        try:
            self._weights = load_file(weights)
            _ = self._weights["spec.mel_scale.fb"], self._weights["dense.weight"]
        except (OSError, SafetensorError, KeyError) as error:
            raise ModelError(f"{weights} cannot be read as a tagger ({error})") from error

    def __call__(self, samples: Waveform) -> Vectors:
        """Map ``(464000,)`` samples at 16 kHz to ``(tags,)`` logits."""
        import torch
        from torch.nn import functional

        weights = self._weights
        with torch.inference_mode():
            spectrum = torch.stft(
                torch.from_numpy(np.ascontiguousarray(samples, np.float32)),
                n_fft=512,
                hop_length=256,
                window=weights["spec.spectrogram.window"],
                return_complex=True,
            )
            power = spectrum.abs() ** 2
            mel = weights["spec.mel_scale.fb"].T @ power
            x = (10 * torch.log10(mel.clamp(min=1e-10)))[None, None]
            x = self._norm(x, "spec_bn")
            for n, pool in enumerate(_POOLS, start=1):
                name = f"layer{n}"
                kernel, bias = weights[f"{name}.conv.weight"], weights[f"{name}.conv.bias"]
                x = functional.conv2d(x, kernel, bias, padding=1)
                x = functional.max_pool2d(functional.relu(self._norm(x, f"{name}.bn")), pool)
            dense = functional.linear(x.flatten(1), weights["dense.weight"], weights["dense.bias"])
        return np.asarray(dense[0].numpy(), np.float32)

    def _norm(self, x: Any, name: str) -> Any:  # noqa: ANN401 - tensors; torch is not imported here
        from torch.nn import functional

        keys = ("running_mean", "running_var", "weight", "bias")
        mean, var, weight, bias = (self._weights[f"{name}.{key}"] for key in keys)
        return functional.batch_norm(x, mean, var, weight, bias)


def make(weights: Path, tags: list[str], text: str, out: Path) -> None:
    """Write a ConSE folder."""
    out.mkdir(parents=True, exist_ok=True)
    shutil.copy(weights, out / weights.name)
    settings = {"weights": weights.name, "tags": tags, "text": text}
    (out / "conse.json").write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Parse the arguments and write a folder."""
    parser = argparse.ArgumentParser(prog="python -m tunespace.models.foreign.conse")
    parser.add_argument("weights", type=Path, help="of the tagger, in safetensors")
    parser.add_argument("tags", type=Path, help="JSON with lists of tags")
    parser.add_argument("key", help="of the list in it")
    parser.add_argument("out", type=Path, help="folder that is made")
    parser.add_argument("--text", default="tunespace-small", help="model that reads words")
    arguments = parser.parse_args()
    tags = json.loads(arguments.tags.read_text(encoding="utf-8"))[arguments.key]
    make(arguments.weights, tags, arguments.text, arguments.out)


if __name__ == "__main__":
    main()
