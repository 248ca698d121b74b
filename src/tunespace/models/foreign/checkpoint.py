"""Weights in published formats: safetensors, or torch files without executable content.

Quirks that are handled:
    - Weights are at the top level, under ``state_dict`` or under ``model``, beside optimiser
      states.
    - Models trained on several GPUs have ``module.`` before every name.
    - Buffers that older versions of transformers saved (``position_ids``, attention masks) are no
      weights.
    - Weight normalisation has other names since torch 2 (``weight_g`` is ``original0``).
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from tunespace.errors import ModelError
from tunespace.models.foreign.base import WEIGHTS
from tunespace.models.foreign.checks import check_weights


class Weights(dict[str, torch.Tensor]):
    """Weights by name.

    Attributes:
        where: Path that they were read from, for errors.
    """

    def __init__(self, tensors: Mapping[str, torch.Tensor], where: Path) -> None:
        """Take the weights and their path."""
        super().__init__(tensors)
        self.where = where

    def __missing__(self, name: str) -> torch.Tensor:
        """Raise an error that names the missing weight."""
        raise ModelError(f"{self.where} lacks the weight {name}")

    def part(self, prefix: str) -> "Weights":
        """Return the weights whose names begin with a prefix, without the prefix."""
        return Weights(
            {k.removeprefix(prefix): v for k, v in self.items() if k.startswith(prefix)}, self.where
        )

    def count(self, pattern: str) -> int:
        """Return the number of numbered parts, such as layers.

        Args:
            pattern: Regular expression for the beginning of a name; its group is the number.
        """
        return len({match[1] for name in self if (match := re.match(pattern, name))})


_USUAL = ("model.safetensors", "pytorch_model.bin")
_NO_WEIGHTS = ("position_ids", "token_type_ids", ".attn.bias", ".attn.masked_bias")
_RENAMED = {
    "pos_conv_embed.conv.weight_g": "pos_conv_embed.conv.parametrizations.weight.original0",
    "pos_conv_embed.conv.weight_v": "pos_conv_embed.conv.parametrizations.weight.original1",
}


def find_weights(folder: Path) -> Path:
    """Return the only file of weights in a folder, or the one that transformers would read.

    Raises:
        ModelError: There is none, or several that are not told apart.
    """
    files = sorted(path for path in folder.iterdir() if path.suffix in WEIGHTS)
    # As m-a-p/MERT-v1-95M, which contains those of fairseq as well.
    usual = [folder / name for name in _USUAL if folder / name in files]
    chosen = usual[:1] or files
    if len(chosen) != 1:
        names = ", ".join(path.name for path in chosen) or "none"
        raise ModelError(f"{folder} must contain one file of weights; it contains {names}")
    return chosen[0]


def read_weights(path: Path) -> Weights:
    """Read the weights of a file.

    Raises:
        ModelError: The file cannot be read, or contains more than weights.
    """
    try:
        content: Any = load_file(path) if path.suffix == ".safetensors" else _load(path)
    except (OSError, SafetensorError, RuntimeError, EOFError) as error:
        raise ModelError(f"{path} cannot be read as weights ({error})") from error
    if not isinstance(content, Mapping):
        raise ModelError(f"{path} contains no weights")
    for key in ("state_dict", "model"):
        if isinstance(content.get(key), Mapping):
            content = content[key]
            break
    weights = Weights({str(k): v for k, v in content.items() if isinstance(v, torch.Tensor)}, path)
    if not weights:
        raise ModelError(f"{path} contains no weights")
    if all(name.startswith("module.") for name in weights):
        return weights.part("module.")
    return weights


def _load(path: Path) -> object:
    import pickle

    try:
        try:
            # Optimiser states, which can be twice the size of the weights, are never read.
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except RuntimeError:  # the format before torch 1.6 cannot be memory-mapped
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path} contains more than weights, and loading that would run its code; if you trust "
            f"it, save its state_dict as safetensors ({str(error).splitlines()[0]})"
        ) from error


def fill(module: nn.Module, weights: Weights, *, without: Iterable[str] = ()) -> None:
    """Load weights into a module, and set it to evaluation mode.

    Args:
        module: Module that receives the weights.
        weights: Weights; those that the module does not have are ignored.
        without: Prefixes of names that may be missing.

    Raises:
        ModelError: Weights are missing, or have another shape.
    """
    renamed = {}
    for name, value in weights.items():
        for old, new in _RENAMED.items():
            name = name.replace(old, new) if name.endswith(old) else name
        renamed[name] = value
    wanted = module.state_dict()
    fitting = {name: value for name, value in renamed.items() if name in wanted}
    missing = [
        name
        for name in wanted
        if name not in fitting
        and not name.endswith(_NO_WEIGHTS)
        and not name.endswith("num_batches_tracked")
        and not name.startswith(tuple(without))
    ]
    if missing:
        some = ", ".join(sorted(missing)[:3])
        raise ModelError(f"{weights.where} lacks {len(missing)} weights, as {some}")
    other = [n for n, value in fitting.items() if value.shape != wanted[n].shape]
    if other:
        name = other[0]
        had, has = tuple(fitting[name].shape), tuple(wanted[name].shape)
        raise ModelError(f"{weights.where}: {name} has shape {had}, and the model takes {has}")
    module.load_state_dict(fitting, strict=False)
    check_weights(module, weights.where)
    module.eval()
    for parameter in module.parameters():
        parameter.requires_grad = False
