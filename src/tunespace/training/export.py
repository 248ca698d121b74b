"""A run's towers as a model folder, which needs no torch."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor, nn

from tunespace.errors import TrainingError
from tunespace.models.config import AUDIO_TOWER, TEXT_TOWER, TOKENIZER, ModelConfig, sha256_of
from tunespace.training.culture import load_factors
from tunespace.training.graphs import write_graph
from tunespace.training.progress import METRICS
from tunespace.training.recipe import Recipe
from tunespace.training.towers.reading import max_tokens
from tunespace.training.two_towers import TwoTowers

_PREFIX = "towers."


def export_run(
    run: Path, out: Path | None = None, *, last: bool = False
) -> tuple[Path, dict[str, float], int]:
    """Writes the model folder of a run.

    Args:
        run: Its folder.
        out: The model folder; ``model`` in the run's without it.
        last: The last checkpoint instead of the one that validated best.

    Returns:
        The model folder, the figures of the checkpoint, and the epochs of the run.

    Raises:
        TrainingError: There is no run, or it has no checkpoint yet.
    """
    recipe = recipe_of(run)
    checkpoint = run / "checkpoints" / ("last.ckpt" if last else "best.ckpt")
    if not checkpoint.exists():
        raise TrainingError(f"{run} has no checkpoint yet: train on with the same command")
    if recipe.culture.factors and recipe.culture.branch == "cultural":
        raise TrainingError(
            f"{run}: the cultural branch hears no music, so there is no model folder"
        )
    towers = TwoTowers(recipe, run / "text", width_of(recipe))
    state: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
    weights = {
        name.removeprefix(_PREFIX): value
        for name, value in state["state_dict"].items()
        if name.startswith(_PREFIX)
    }
    towers.load_state_dict(weights)
    figures, epochs = _figures(run, state["epoch"] + 1)
    folder = out or run / "model"
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    _write(recipe, towers.eval(), run, partial)
    (partial / "README.md").write_text(_card(recipe, run, figures), encoding="utf-8")
    if folder.exists():
        shutil.rmtree(folder)
    partial.rename(folder)
    return folder, figures, epochs


def width_of(recipe: Recipe) -> int:
    """Of the factors that a recipe names; 0 without.

    Raises:
        TrainingError: The file cannot be read.
    """
    if not recipe.culture.factors:
        return 0
    return len(next(iter(load_factors(Path(recipe.culture.factors)).values())))


def recipe_of(run: Path) -> Recipe:
    """What a run was made with.

    Raises:
        TrainingError: The folder holds no run.
    """
    try:
        return Recipe.model_validate(yaml.safe_load((run / "recipe.yaml").read_text("utf-8")))
    except FileNotFoundError:
        raise TrainingError(f"{run} holds no run: it has no recipe.yaml") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise TrainingError(f"{run}/recipe.yaml cannot be read ({error})") from error


def _figures(run: Path, epoch: int) -> tuple[dict[str, float], int]:
    with (run / METRICS).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    mine = next((row for row in rows if int(float(row["epoch"])) == epoch), rows[-1])
    return {name: float(value) for name, value in mine.items() if value}, len(rows)


class _Audio(nn.Module):
    def __init__(self, towers: TwoTowers) -> None:
        super().__init__()
        self.towers = towers

    def forward(self, log_mel: Tensor) -> Tensor:
        return self.towers.embed_audio(log_mel)


class _Text(nn.Module):
    def __init__(self, towers: TwoTowers) -> None:
        super().__init__()
        self.towers = towers

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self.towers.embed_text(input_ids, attention_mask)


def _write(recipe: Recipe, towers: TwoTowers, run: Path, folder: Path) -> None:
    batch = torch.export.Dim("batch")
    clips = torch.zeros(2, recipe.frames, recipe.front_end.n_mels)
    write_graph(_Audio(towers), folder / AUDIO_TOWER, {"log_mel": clips}, {"log_mel": {0: batch}})
    ids, mask = torch.ones(2, 7, dtype=torch.int64), torch.ones(2, 7, dtype=torch.int64)
    # Some towers have no use for a length of one or two, which the exporter would make a rule of.
    tokens = torch.export.Dim("tokens", min=2, max=max(4, max_tokens(recipe.text)))
    texts = {"input_ids": ids, "attention_mask": mask}
    shapes = {name: {0: batch, 1: tokens} for name in texts}
    write_graph(_Text(towers), folder / TEXT_TOWER, texts, shapes)
    shutil.copyfile(run / "text" / TOKENIZER, folder / TOKENIZER)
    config = ModelConfig(
        name=f"{recipe.name}-{run.resolve().name}",
        dim=recipe.joint.dim,
        front_end=recipe.front_end.log_mel(),
        window=recipe.frames,
        hop=recipe.frames,
        max_tokens=max_tokens(recipe.text),
        sentence_weight=(1.0, 1.0),
        probes=tuple(json.loads((run / "data.json").read_text("utf-8"))["probes"]),
        files={name: sha256_of(folder / name) for name in (AUDIO_TOWER, TEXT_TOWER, TOKENIZER)},
    )
    (folder / "config.json").write_text(json.dumps(config.as_json(), indent=2) + "\n")


def _card(recipe: Recipe, run: Path, figures: dict[str, float]) -> str:
    data = json.loads((run / "data.json").read_text(encoding="utf-8"))
    clips = data["clips"]
    shown = "\n".join(f"- {name}: {value:.4g}" for name, value in figures.items())
    return f"""# {recipe.name}-{run.resolve().name}

Trained with tunespace from the recipe `{recipe.name}`: {recipe.title}, {recipe.paper}.

## Trained on

{data["name"]}: {clips["train"]:,} clips to learn from, {clips["validation"]:,} to choose the
checkpoint by; splits: {data["splits"]}. Licence: {data["licence"] or "not stated in the data"}.
sha256 `{data["sha256"]}`.

## Validation (recall@10 chose the checkpoint; the test part was not looked at)

{shown}

## Recipe

```yaml
{recipe.as_yaml()}```
"""
