"""Checks of checkpoints of other projects: files that are no weights, and models that do not work.

A checkpoint that was copied in part is read without an error by some libraries, and answers.
"""

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tunespace.errors import ModelError, QueryError
from tunespace.models.foreign.base import WEIGHTS, ForeignModel

if TYPE_CHECKING:
    from torch import nn

_POINTER = b"version https://git-lfs"
_TEXTS = ("a slow piano piece", "loud electric guitars")
_SEED = 0
_TOKENIZERS = (
    "tokenizer.json",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
)


def check_files(folder: Path) -> None:
    """Check the files of a checkpoint before they are read.

    Raises:
        ModelError: A file is a pointer of git-lfs instead of its content, or no JSON.
    """
    for path in sorted(folder.rglob("*")):
        if path.suffix in (*WEIGHTS, ".json", ".model", ".txt") and path.is_file():
            with path.open("rb") as file:
                beginning = file.read(len(_POINTER))
            if beginning == _POINTER:
                raise ModelError(
                    f"{path} is a pointer of git-lfs, not the file: run `git lfs pull` in {folder}"
                )
    config = folder / "config.json"
    if config.exists():
        try:
            json.loads(config.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(f"{config} is not JSON: download it again") from error


def check_tokenizer_files(folder: Path) -> None:
    """Check that a folder contains a tokenizer; without one, all texts may be the same.

    Raises:
        ModelError: There is none.
    """
    if not any((folder / name).exists() for name in _TOKENIZERS):
        raise ModelError(f"{folder} has no tokenizer: it needs {', '.join(_TOKENIZERS[:2])} or so")


def check_weights(module: "nn.Module", folder: Path) -> None:
    """Check that all weights of a module are numbers.

    Raises:
        ModelError: A weight is infinite or not a number.
    """
    damaged = [
        name
        for name, value in module.state_dict().items()
        if value.is_floating_point() and not bool(value.isfinite().all())
    ]
    if damaged:
        some = ", ".join(damaged[:3])
        raise ModelError(f"{folder}: {len(damaged)} weights are not finite, as {some}")


def check_model(model: ForeignModel) -> None:
    """Check that a model distinguishes two texts, and two sounds.

    Raises:
        ModelError: It cannot be loaded, or returns what is not finite, or the same for both.
    """
    random = np.random.default_rng(_SEED)
    time = np.arange(round(model.seconds * model.sample_rate)) / model.sample_rate
    tone = 0.3 * np.sin(2 * np.pi * 440 * time)
    noise = 0.1 * random.standard_normal(len(time))
    pairs = {
        "sounds": [model.encode_audio(sound.astype(np.float32)) for sound in (tone, noise)],
    }
    with suppress(QueryError):  # a text tower with a vocabulary of its own may know neither
        pairs["texts"] = [model.encode_text(text) for text in _TEXTS]
    for what, (one, other) in pairs.items():
        if not (np.isfinite(one).all() and np.isfinite(other).all()):
            raise ModelError(f"{model.folder} returns embeddings of {what} that are not finite")
        if np.array_equal(one, other):
            raise ModelError(
                f"{model.folder} returns one embedding for two different {what}: its weights or "
                "its tokenizer are not those that it was trained with"
            )
