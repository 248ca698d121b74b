"""Load a model, ours or a checkpoint of another project, by the contents of its folder.

Imports torch only for a checkpoint of another project.
"""

import json
from pathlib import Path

from tunespace.errors import ModelError
from tunespace.models.foreign.base import WEIGHTS, ForeignModel
from tunespace.models.joint_model import JointModel
from tunespace.models.model import Model
from tunespace.models.registry import find_model


def load_joint_model(name: str | Path | None = None, *, check: bool = True) -> JointModel:
    """Load a model of this or another project.

    Args:
        name: As for ``load_model``; a folder may also be a checkpoint of another project in its
            published format (``tunespace.models.foreign``).
        check: Whether a checkpoint of another project is tried on two texts and two sounds.

    Raises:
        ModelError: The model does not exist or cannot be used.

    Examples:
        >>> load_joint_model("tunespace-small").embed_text(["banjo"]).shape
        (1, 159)
    """
    folder = find_model(name)
    if _is_foreign(folder):
        from tunespace.models.foreign.checks import check_model

        model = load_foreign(folder)
        if check:
            check_model(model)
        return model
    return Model(folder)


def _is_foreign(folder: Path) -> bool:
    """Return whether a folder holds a checkpoint of another project."""
    if not folder.is_dir():
        return False
    if (folder / "conse.json").exists():
        return True
    settings = _read_config(folder)
    if settings is None or "schema_version" in settings:
        return False  # ModelConfig.load reports the problem
    weights = any(path.suffix in WEIGHTS for path in folder.iterdir())
    return weights or "model_type" in settings


def load_foreign(folder: Path) -> ForeignModel:
    """Load a checkpoint of another project.

    Raises:
        ModelError: The extra is not installed, or the folder has no supported format.

    Examples:
        >>> load_foreign(Path("music"))
        Traceback (most recent call last):
        ...
        tunespace.errors.ModelError: music must contain one file of weights; it contains none
    """
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise ModelError(
            f"{folder} is another project's model: pip install 'tunespace[foreign]' to read it"
        ) from error
    from tunespace.models.foreign.checks import check_files

    check_files(folder)
    if (folder / "conse.json").exists():
        from tunespace.models.foreign.conse import Conse

        return Conse(folder)
    if (kind := str((_read_config(folder) or {}).get("model_type", ""))) == "clap":
        from tunespace.models.foreign.clap import Clap

        return Clap(folder)
    return _detect_by_weights(folder, kind)


def _read_config(folder: Path) -> dict[str, object] | None:
    """Return ``config.json``: empty if it is missing or not JSON, None if it is not an object."""
    try:
        settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return settings if isinstance(settings, dict) else None


def _detect_by_weights(folder: Path, kind: str) -> ForeignModel:
    """Load a checkpoint whose project is recognised by the names of its weights."""
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
                loaded = model(folder)
                loaded.weights = weights  # read only once
                return loaded
    what = f"a model of type {kind!r}" if kind else "not a model of a supported kind"
    raise ModelError(
        f"{folder} is {what}; supported are CLAP, MS-CLAP 2023, MuQ-MuLan, CLaMP 3, TTMR and TTMR++"
    )
