"""Compare a training step with the same in plain PyTorch: ``python -m benchmarks.training_speed``.

The same towers, batches, loss, clipping and optimiser, side by side in one process, one thread
each, in turns. What is expected: the loop of ours costs less than a tenth more, and loading a batch
less than a twentieth of a step, so that an accelerator that is as fast as this processor waits no
longer than that. One that is faster waits longer: ``loader_ms`` is what it has to be compared with.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from tunespace.training.data.batch_sampler import TrainingBatches
from tunespace.training.data.collate import Batch
from tunespace.training.loop.contrastive_module import ContrastiveModule
from tunespace.training.loop.train import train
from tunespace.training.recipe.recipe import load_recipe

RESULT = Path(__file__).parent / "results" / "training-speed.json"


def plain_step(towers: Any, scale: Any, optimiser: Any, batch: Batch) -> None:
    """Run a step of InfoNCE in plain PyTorch."""
    optimiser.zero_grad()
    audio = functional.normalize(towers.embed_audio(batch.log_mel), dim=-1)
    text = functional.normalize(towers.embed_text(batch.ids[:, 0], batch.mask[:, 0]), dim=-1)
    logits = scale.exp() * audio @ text.T
    right = torch.arange(len(logits))
    loss = (functional.cross_entropy(logits, right) + functional.cross_entropy(logits.T, right)) / 2
    loss.backward()
    torch.nn.utils.clip_grad_norm_([*towers.parameters(), scale], 1.0)
    optimiser.step()


def main() -> None:
    """Train two epochs and time the steps of both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("build/systems/manifest.jsonl"))
    parser.add_argument("--cache", type=Path, default=Path("build/systems/cache"))
    parser.add_argument("--recipe", default="ttmr2023")
    parser.add_argument("--set", nargs="*", default=["audio_tower.channels=8", "seconds=5.12"])
    parser.add_argument("--epochs", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    recipe = load_recipe(
        arguments.recipe, changes=[*arguments.set, f"schedule.epochs={arguments.epochs}"]
    )
    ours: list[float] = []
    plain: list[float] = []
    loading: list[float] = []
    inner, load = ContrastiveModule.training_step, TrainingBatches.__getitem__
    other: list[Any] = []

    def both(self: ContrastiveModule, batch: Batch, n: int) -> torch.Tensor:
        if not other:
            import copy

            towers = copy.deepcopy(self.towers)
            scale = torch.nn.Parameter(torch.tensor(1.6))
            other.extend([towers, scale, torch.optim.Adam([*towers.parameters(), scale], lr=1e-3)])
        began = time.perf_counter()
        plain_step(*other, batch)
        between = time.perf_counter()
        loss = inner(self, batch, n)
        plain.append(between - began)
        ours.append(time.perf_counter() - between)
        return loss

    def loaded(self: TrainingBatches, index: int) -> Batch:
        began = time.perf_counter()
        batch = load(self, index)
        loading.append(time.perf_counter() - began)
        return batch

    ContrastiveModule.training_step = both  # type: ignore[method-assign]
    TrainingBatches.__getitem__ = loaded  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as folder:
        train(
            recipe,
            arguments.data,
            Path(folder) / "run",
            cache=arguments.cache,
            accelerator="cpu",
            log=print,
        )
    middle = {
        name: round(1000 * statistics.median(some[1:]), 1)
        for name, some in (("ours_ms", ours), ("plain_ms", plain), ("loader_ms", loading))
    }
    record = {
        "command": "python -m benchmarks.training_speed",
        "recipe": arguments.recipe,
        "changes": arguments.set,
        "batch": recipe.schedule.batch_size,
        "steps": len(ours),
        **middle,
        "ours_over_plain": round(
            statistics.median(a / b for a, b in zip(ours, plain, strict=True)), 3
        ),
        "loader_share": round(middle["loader_ms"] / (middle["loader_ms"] + middle["ours_ms"]), 4),
    }
    RESULT.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
