"""Fine-tuning: adapt a model folder to pairs of audio and text of your own.

The towers are frozen. A linear map behind them starts as the identity, so that few pairs change
little, and the checkpoint with the best validation is exported. A model with a lexicon keeps its
text embeddings, because its dimensions are named concepts that explain results: only the audio
embeddings are mapped. A model without a lexicon maps both.
"""

from pathlib import Path

from tunespace.errors import TrainingError
from tunespace.models import load_model
from tunespace.training.recipe.recipe import Recipe, recipe_from_mapping

_RECIPE = {
    "name": "fine-tune",
    "title": "Linear maps behind the frozen towers of a model folder",
    "paper": "tunespace",
    "captions": {
        "kind": "mixture",
        "of": [
            {"weight": 1.0, "captions": {"kind": "caption"}},
            {"weight": 1.0, "captions": {"kind": "stochastic"}},
        ],
    },
    "loss": {"kind": "infonce", "temperature": 0.07},
    # The map has a few thousand parameters: the learning rate of a head, and a weight decay that
    # keeps it near the identity.
    "schedule": {
        "epochs": 60,
        "batch_size": 64,
        "optimizer": "adamw",
        "learning_rate": 1.0e-3,
        "weight_decay": 0.1,
        # With few clips the recall soon is 1.
        "checkpoint_metric": "mrr",
        "patience": 15,
    },
}


def fine_tune_recipe(model: str, changes: tuple[str, ...] = ()) -> Recipe:
    """Return the recipe that fine-tunes a model folder.

    Args:
        model: Name of a bundled model, or a folder.
        changes: Assignments ``key=value``, as for any recipe.

    Raises:
        ModelError: The model does not exist.
        TrainingError: A change is not valid, or the model is a checkpoint of another project.
    """
    loaded = load_model(model)
    if not (loaded.folder / "audio.onnx").exists():
        raise TrainingError(
            f"{model} has no audio.onnx: only model folders of tunespace can be fine-tuned"
        )
    name = model if not Path(model).is_dir() else str(Path(model).resolve())
    values = _RECIPE | {
        "audio_tower": {"kind": "frozen", "model": name},
        "text_tower": {
            "kind": "frozen",
            "model": name,
            "identity_projection": loaded.lexicon_vectors is not None,
        },
        "projection": {"dim": loaded.dim, "head": "residual"},
    }
    return recipe_from_mapping(values, "fine-tune", changes=changes)
