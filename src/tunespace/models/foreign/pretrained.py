"""Parts of checkpoints beside their weights: text encoders, tokenizers and front ends."""

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from tunespace.audio.decoding import Waveform
from tunespace.errors import ModelError
from tunespace.models.foreign.checks import check_tokenizer_files


def subfolder(folder: Path, name: str, what: str) -> Path:
    """Return the folder of a pretrained encoder, under its published name.

    Raises:
        ModelError: The folder is missing; the message states what to put where.
    """
    path = folder / name.rpartition("/")[2]
    if not path.is_dir():
        raise ModelError(f"{folder} needs {what} of {name}: put them into {path}")
    return path


def load_tokenizer_file(path: Path) -> Any:  # noqa: ANN401 - transformers has no types for it
    """Load the tokenizer in a folder.

    Raises:
        ModelError: The tokenizer cannot be read.
    """
    from transformers import AutoTokenizer

    check_tokenizer_files(path)
    try:
        return AutoTokenizer.from_pretrained(path, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{path} contains no readable tokenizer ({error})") from error


def load_text_encoder(path: Path) -> Any:  # noqa: ANN401
    """Build an encoder by the config.json of a folder, without weights.

    Raises:
        ModelError: The configuration cannot be read.
    """
    from transformers import AutoConfig, AutoModel

    builder: Any = AutoModel
    try:
        config = AutoConfig.from_pretrained(path, local_files_only=True)
        return builder.from_config(config)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{path} contains no readable config.json ({error})") from error


def tokenize_text(tokenizer: Any, encoder: Any, text: str, longest: int) -> Tensor:  # noqa: ANN401
    """Return the ``(1, tokens, width)`` encoding of a text of at most ``longest`` tokens."""
    tokens = tokenizer(text, truncation=True, max_length=longest, return_tensors="pt")
    given = {name: tokens[name] for name in ("input_ids", "attention_mask")}
    hidden: Tensor = encoder(**given).last_hidden_state
    return hidden


def read_settings(path: Path) -> dict[str, Any]:
    """Read settings in YAML or JSON.

    Raises:
        ModelError: The file cannot be read.
    """
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        settings = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ModelError(f"{path} cannot be read ({error})") from error
    if not isinstance(settings, dict):
        raise ModelError(f"{path} contains no settings")
    return settings


def fill_to_length(samples: Waveform, size: int, *, how: Literal["repeat", "zeros"]) -> Tensor:
    """Truncate, repeat or pad samples to exactly ``size``."""
    if how == "repeat":
        full = np.tile(samples, -(-size // len(samples)))[:size]
    else:
        full = np.pad(samples, (0, max(size - len(samples), 0)))[:size]
    return torch.from_numpy(np.ascontiguousarray(full, np.float32))


def spectrum(samples: Tensor, *, n_fft: int, hop: int) -> Tensor:
    """Return the ``(n_fft / 2 + 1, frames)`` complex STFT: Hann window, centred, reflected ends."""
    return torch.stft(
        samples,
        n_fft,
        hop,
        window=torch.hann_window(n_fft),
        center=True,
        pad_mode="reflect",
        return_complex=True,
    )


def mel_filters(rate: int, n_fft: int, bands: int, *, scale: Literal["htk", "slaney"]) -> Tensor:
    """Return ``(n_fft / 2 + 1, bands)`` mel filters up to the Nyquist frequency."""
    from transformers.audio_utils import mel_filter_bank

    filters = mel_filter_bank(
        n_fft // 2 + 1,
        bands,
        0.0,
        rate / 2,
        rate,
        norm="slaney" if scale == "slaney" else None,
        mel_scale=scale,
    )
    return torch.from_numpy(np.asarray(filters, np.float32))


def decibels(power: Tensor) -> Tensor:
    """Return ``10 log10`` of a power, at least 1e-10."""
    return 10 * torch.log10(power.clamp(min=1e-10))
