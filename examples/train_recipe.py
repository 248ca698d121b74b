"""Train a small recipe on a table of clips, and search with the model; needs ``tunespace[train]``.

Usage: ``python examples/train_recipe.py MANIFEST RUN``
"""

import sys
from pathlib import Path

from tunespace import load_model
from tunespace.training.loop.train import train
from tunespace.training.recipe.recipe import load_recipe

CHANGES = ["audio_tower.kind=linear", "schedule.epochs=2"]


def main() -> None:
    """Train for two epochs, and embed a text with the exported model."""
    manifest, run = map(Path, sys.argv[1:])
    recipe = load_recipe("ttmr2023", changes=CHANGES)
    result = train(recipe, manifest, run, accelerator="cpu", log=print)
    print(f"{result.epochs} epochs, model in {result.model}")
    print(load_model(result.model).embed_text(["tone"]).shape)


if __name__ == "__main__":
    main()
