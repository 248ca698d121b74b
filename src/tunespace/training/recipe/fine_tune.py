"""Fine-tuning: a model folder learns from clips and texts of one's own.

Its towers stay as they are; what is learned is a linear map behind them that begins as the
identity, so that little data moves little, and the checkpoint that validates best is kept. A model
with a lexicon keeps its words where they are (they are its concepts, and explain its answers): the
music moves towards them. One without moves both.
"""

from pathlib import Path

from tunespace.errors import TrainingError
from tunespace.models import load_model
from tunespace.training.recipe.recipe import Recipe, recipe_from

_RECIPE = {
    "name": "fine-tune",
    "title": "Linear maps behind the frozen towers of a model folder",
    "paper": "tunespace",
    "texts": {
        "kind": "mixture",
        "of": [
            {"weight": 1.0, "texts": {"kind": "caption"}},
            {"weight": 1.0, "texts": {"kind": "stochastic"}},
        ],
    },
    "loss": {"kind": "infonce", "temperature": 0.07},
    # A map of a few thousand numbers: rates of heads, decay that holds it near the identity.
    "schedule": {
        "epochs": 60,
        "batch": 64,
        "optimiser": "adamw",
        "learning_rate": 1.0e-3,
        "weight_decay": 0.1,
        "patience": 15,
    },
}


def fine_tuning(model: str, changes: tuple[str, ...] = ()) -> Recipe:
    """The recipe that fine-tunes a model folder.

    Args:
        model: A bundled name or a folder.
        changes: ``key=value``, as for any recipe.

    Raises:
        ModelError: There is no such model.
        TrainingError: A change is wrong.
    """
    loaded = load_model(model)
    if not (loaded.folder / "audio.onnx").exists():
        raise TrainingError(f"{model} has no audio.onnx: only tunespace's own folders are tuned")
    name = model if not Path(model).is_dir() else str(Path(model).resolve())
    found = _RECIPE | {
        "audio": {"kind": "frozen", "model": name},
        "text": {"kind": "frozen", "model": name, "fixed": loaded.words is not None},
        "joint": {"dim": loaded.dim, "projection": "residual"},
    }
    return recipe_from(found, "fine-tune", changes=changes)
