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
    if (kind := _declared_model_type(folder)) == "clap":
        from tunespace.models.foreign.clap import Clap

        return Clap(folder)
    return _detect_by_weights(folder, kind)


def _declared_model_type(folder: Path) -> str:
    """What config.json calls the model, as those of transformers do."""
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(found.get("model_type", "")) if isinstance(found, dict) else ""


def _detect_by_weights(folder: Path, kind: str) -> ForeignModel:
    """The project is told by the names of the weights."""
    from tunespace.models.foreign.checkpoint import find_weights, read_weights
    from tunespace.models.foreign.checkpoint_model import CheckpointModel
    from tunespace.models.foreign.clamp3 import Clamp3
    from tunespace.models.foreign.msclap import MsClap
    from tunespace.models.foreign.muq_mulan import MuqMulan
    from tunespace.models.foreign.ttmr import Ttmr
    from tunespace.models.foreign.ttmrpp import TtmrPp

    known: dict[str, type[CheckpointModel]] = {
        "mulan.audio_to_latents.weight": MuqMulan,
        "audio_encoder.base.htsat.bn0.weight": MsClap,
        "audio_encoder.frontend.fc.weight": Ttmr,
        "audio_encoder.attn_pool.c_proj.weight": TtmrPp,
        "audio_proj.weight": Clamp3,
    }
    if not kind:
        weights = read_weights(find_weights(folder))
        for name, model in known.items():
            if name in weights:
                found = model(folder)
                found.weights = weights  # read once
                return found
    what = f"a model of type {kind!r}" if kind else "no model of a kind that is known"
    raise ModelError(
        f"{folder} is {what}; CLAP, MS-CLAP 2023, MuQ-MuLan, CLaMP 3, TTMR, TTMR++ can be read"
    )


__all__ = ["ForeignModel", "load_foreign"]
