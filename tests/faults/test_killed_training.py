"""Training that is killed at random moments, and goes on.

The export is left out: it takes ten times as long as these runs, and starts again from a complete
checkpoint. `tests/training/loop` kills a whole run.
"""

import multiprocessing
import os
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from tiny_music import SMALL, manifest

from .conftest import ROUNDS

if TYPE_CHECKING:
    import torch

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills processes")
_CHANGES = (*SMALL, "schedule.epochs=6", "text_tower.dropout=0.3")
_MODULE = "tunespace.training.loop.train"


def learn(music: Path, folder: Path) -> None:
    """Train in a folder, with a cache of its own."""
    from tunespace.training.loop.train import train
    from tunespace.training.recipe.recipe import load_recipe

    with mock.patch(f"{_MODULE}.export_run", lambda out: (out, {}, 0)):
        train(
            load_recipe("ttmr2023", changes=_CHANGES),
            music,
            folder / "run",
            cache=folder / "cache",
            accelerator="cpu",
            log=lambda _: None,
        )


def outcome(folder: Path) -> tuple[str, dict[str, "torch.Tensor"]]:
    """Return the metrics of all epochs, and the weights of the best one."""
    import torch

    run = folder / "run"
    state = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    return (run / "metrics.csv").read_text(), state["state_dict"]


def test_killed_training_goes_on_to_the_same_weights(tmp_path: Path, chance: random.Random) -> None:
    import torch

    # Each run is a process of its own, without the seconds that importing torch takes.
    context: Any = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_MODULE])
    music = manifest(tmp_path / "music")

    def start(folder: Path) -> Any:  # noqa: ANN401 - a process of the context
        process = context.Process(target=learn, args=(music, folder))
        process.start()
        return process

    def complete(folder: Path) -> float:
        began = time.monotonic()
        process = start(folder)
        process.join()
        assert process.exitcode == 0
        return time.monotonic() - began

    complete(tmp_path / "first")  # starts the server
    seconds = complete(tmp_path / "whole")
    metrics, weights = outcome(tmp_path / "whole")
    killed = 0
    for n in range(ROUNDS):
        folder = tmp_path / str(n)
        for _ in range(chance.randint(1, 3)):
            process = start(folder)
            process.join(chance.uniform(0.1, 1.0) * seconds)
            killed += process.is_alive()
            process.kill()
            process.join()
        complete(folder)
        found, state = outcome(folder)
        assert found == metrics, n
        assert state.keys() == weights.keys()
        assert all(torch.equal(state[name], weights[name]) for name in weights), n
    assert killed
