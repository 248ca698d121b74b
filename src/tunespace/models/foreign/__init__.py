"""Other people's checkpoints, read in the formats they were published in, to be compared with.

Needs the extra ``foreign``: torch and transformers. Weights are read from safetensors, or with
``weights_only``; never unpickled.
"""

import json
from pathlib import Path

from tunespace.errors import ModelError
from tunespace.models.foreign.base import ForeignModel


def load_foreign(folder: Path) -> ForeignModel:
    """Loads a checkpoint of another project.

    Raises:
        ModelError: The extra is not installed, or the folder is none that can be read.
    """
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise ModelError(
            f"{folder} is another project's model: pip install 'tunespace[foreign]' to read it"
        ) from error
    if (folder / "conse.json").exists():
        from tunespace.models.foreign.conse import Conse

        return Conse(folder)
    kind = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
    if kind == "clap":
        from tunespace.models.foreign.clap import Clap

        return Clap(folder)
    raise ModelError(f"{folder} is a model of type {kind!r}, which cannot be read; clap can")


__all__ = ["ForeignModel", "load_foreign"]
