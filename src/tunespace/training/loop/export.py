"""Export a run as a model folder, which is used without torch."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor, nn

from tunespace.errors import ModelError, TrainingError
from tunespace.models import load_model
from tunespace.models.config import (
    AUDIO_TOWER,
    CONCEPTS,
    LANGUAGES,
    LEXICON,
    REFERENCE,
    TEXT_TOWER,
    TOKENIZER,
    ModelConfig,
    sha256_of,
)
from tunespace.models.model import Vectors
from tunespace.models.onnx_towers import normalize_rows
from tunespace.training.collaborative_filtering import factor_width, load_factors
from tunespace.training.loop.metrics_table import read_metrics
from tunespace.training.loop.run_layout import (
    BEST,
    CHECKPOINTS,
    DATA,
    LAST,
    MODEL,
    RECIPE,
    TEXT,
)
from tunespace.training.onnx_export import export_onnx, write_with_head
from tunespace.training.recipe import config
from tunespace.training.recipe.recipe import Recipe
from tunespace.training.towers.dual_encoder import DualEncoder
from tunespace.training.towers.text_encoder import TextEncoder
from tunespace.training.towers.text_tower import max_tokens

_TOWERS, _EMA = "towers.", "ema.module."


def export_run(
    run: Path, out: Path | None = None, *, last: bool = False
) -> tuple[Path, dict[str, float], int]:
    """Export the model folder of a run.

    Args:
        run: Run folder.
        out: Model folder; None for ``model`` in the run folder.
        last: Whether to export the last checkpoint instead of the best one.

    Returns:
        The model folder, the metrics of the checkpoint, and the number of epochs.

    Raises:
        TrainingError: There is no run, it has no checkpoint yet, or its text tower has collapsed.
    """
    recipe, folder = recipe_of(run), out or run / MODEL
    if folder.exists() and not (folder.is_dir() and _may_be_model(folder)):
        raise TrainingError(f"{folder} exists, and is no model folder: name a new folder")
    checkpoint = run / CHECKPOINTS / (LAST if last else BEST)
    if not checkpoint.exists():
        raise TrainingError(f"{run} has no checkpoint yet: run the same command to continue")
    if recipe.collaborative.factors and recipe.collaborative.branch == "cultural":
        raise TrainingError(
            f"{run}: collaborative.branch cultural uses no audio: there is no model to export"
        )
    towers = DualEncoder(
        recipe, run / TEXT, factor_width(load_factors(recipe.collaborative.factors))
    )
    prefix = _EMA if recipe.schedule.ema_decay else _TOWERS
    state: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
    weights = {
        name.removeprefix(prefix): value
        for name, value in state["state_dict"].items()
        if name.startswith(prefix)
    }
    towers.load_state_dict(weights)
    if isinstance(towers.text, TextEncoder):
        towers.text.caches = False
    figures, epochs = _figures(run, state["epoch"] + 1)
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    _write(recipe, towers.eval(), run, partial)
    (partial / "README.md").write_text(_card(recipe, run, figures), encoding="utf-8")
    _require_usable(partial, run)
    if folder.exists():
        _remove_model(folder, partial)
    partial.rename(folder)
    return folder, figures, epochs


def _may_be_model(folder: Path) -> bool:
    names = [path.name for path in folder.iterdir()]
    return not names or "config.json" in names


def _remove_model(folder: Path, new: Path) -> None:
    """Remove a model folder that another one replaces.

    Raises:
        TrainingError: It contains anything else; nothing is removed.
    """
    kept = {path.name for path in new.iterdir()}
    others = sorted(path.name for path in folder.iterdir() if path.name not in kept)
    if others:
        shutil.rmtree(new)
        raise TrainingError(
            f"{folder} is not replaced, since it contains {others[0]}: name a new folder"
        )
    shutil.rmtree(folder)


def _require_usable(folder: Path, run: Path) -> None:
    """Load both exported towers, which checks their shapes and that texts are distinguished."""
    model = load_model(folder)
    try:
        _ = model.audio_tower, model.text_tower
    except ModelError as error:
        shutil.rmtree(folder)
        raise TrainingError(f"{run} cannot be exported: {error}") from error


def recipe_of(run: Path) -> Recipe:
    """Return the recipe of a run.

    Raises:
        TrainingError: The folder holds no run.
    """
    try:
        return Recipe.model_validate(yaml.safe_load((run / RECIPE).read_text("utf-8")))
    except FileNotFoundError:
        raise TrainingError(f"{run} is not a run folder: it has no recipe.yaml") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise TrainingError(f"{run}/recipe.yaml cannot be read ({error})") from error


def figures_before(run: Path) -> dict[str, float]:
    """Return the validation figures before the first step; empty if they were not computed."""
    return next((row for row in read_metrics(run) if row["epoch"] == 0), {})


def _figures(run: Path, epoch: int) -> tuple[dict[str, float], int]:
    """Return the figures of an epoch, and the number of epochs."""
    rows = [row for row in read_metrics(run) if row["epoch"]]
    return next((row for row in rows if row["epoch"] == epoch), rows[-1]), len(rows)


class _Audio(nn.Module):
    def __init__(self, towers: DualEncoder) -> None:
        super().__init__()
        self.towers = towers

    def forward(self, log_mel: Tensor) -> Tensor:
        return self.towers.embed_audio(log_mel)


class _Text(nn.Module):
    def __init__(self, towers: DualEncoder) -> None:
        super().__init__()
        self.towers = towers

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self.towers.embed_text(input_ids, attention_mask)


def _write(recipe: Recipe, towers: DualEncoder, run: Path, folder: Path) -> None:
    frozen = _write_audio(recipe, towers, folder)
    read = _write_text(recipe, towers, run, folder)
    probes = json.loads((run / DATA).read_text(encoding="utf-8"))["probes"]
    config = ModelConfig(
        name=f"{recipe.name}-{run.resolve().name}",
        dim=recipe.projection.dim,
        front_end=frozen.front_end if frozen else recipe.front_end.log_mel(),
        window=frozen.window if frozen else recipe.frames,
        hop=frozen.hop if frozen else recipe.frames,
        max_tokens=max_tokens(recipe.text_tower),
        sentence_weight=read.sentence_weight if read else (1.0, 1.0),
        probes=read.probes if read else tuple(probes),
        files={path.name: sha256_of(path) for path in sorted(folder.iterdir())},
    )
    (folder / "config.json").write_text(json.dumps(config.as_json(), indent=2) + "\n")


def _write_audio(recipe: Recipe, towers: DualEncoder, folder: Path) -> ModelConfig | None:
    """Write the audio tower; return the configuration of its frozen base model, if any."""
    if isinstance(recipe.audio_tower, config.FrozenConfig):
        base = load_model(recipe.audio_tower.model)
        head = _WithHead(towers.audio_head)
        rows = torch.zeros(2, base.dim)
        write_with_head(base.folder / AUDIO_TOWER, head, rows, folder / AUDIO_TOWER)
        return base.config
    clips = torch.zeros(2, recipe.frames, recipe.front_end.n_mels)
    shapes = {"log_mel": {0: torch.export.Dim("batch")}}
    export_onnx(_Audio(towers), folder / AUDIO_TOWER, {"log_mel": clips}, shapes)
    return None


def _write_text(recipe: Recipe, towers: DualEncoder, run: Path, folder: Path) -> ModelConfig | None:
    """Write the text tower; return the configuration of its frozen base model, if any."""
    shutil.copyfile(run / TEXT / TOKENIZER, folder / TOKENIZER)
    if isinstance(recipe.text_tower, config.FrozenTextConfig):
        base = load_model(recipe.text_tower.model)
        if recipe.text_tower.identity_projection:
            for name in (TEXT_TOWER, LEXICON, LANGUAGES, CONCEPTS):
                if name in base.files:
                    shutil.copyfile(base.folder / name, folder / name)
            _move_reference(base.reference, towers, folder)
        else:
            rows = torch.zeros(2, base.dim)
            head = _WithHead(towers.text_head)
            write_with_head(base.folder / TEXT_TOWER, head, rows, folder / TEXT_TOWER)
        return base.config
    ids, mask = torch.ones(2, 7, dtype=torch.int64), torch.ones(2, 7, dtype=torch.int64)
    # The exporter would specialise the graph for a length of one.
    tokens = torch.export.Dim("tokens", min=2, max=max(4, max_tokens(recipe.text_tower)))
    texts = {"input_ids": ids, "attention_mask": mask}
    shapes = {name: {0: torch.export.Dim("batch"), 1: tokens} for name in texts}
    export_onnx(_Text(towers), folder / TEXT_TOWER, texts, shapes)
    return None


def _move_reference(rows: Vectors, towers: DualEncoder, folder: Path) -> None:
    """Map the reference embeddings of the base model like all other music."""
    if len(rows):
        with torch.no_grad():
            moved = towers.audio_head(torch.from_numpy(rows)).numpy()
        np.save(folder / REFERENCE, normalize_rows(moved).astype(np.float16))


class _WithHead(nn.Module):
    """Head behind a frozen tower; it was trained on unit rows."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, features: Tensor) -> Tensor:
        moved: Tensor = self.head(nn.functional.normalize(features, dim=1))
        return moved


def _card(recipe: Recipe, run: Path, figures: dict[str, float]) -> str:
    data = json.loads((run / DATA).read_text(encoding="utf-8"))
    clips = data["clips"]
    before = figures_before(run)
    shown = "\n".join(
        f"- {name}: {value:.4g}" + (f" (before: {before[name]:.4g})" if name in before else "")
        for name, value in figures.items()
    )
    return f"""# {recipe.name}-{run.resolve().name}

Trained with tunespace from the recipe `{recipe.name}`: {recipe.title}, {recipe.paper}.

## Trained on

{data["name"]}: {clips["train"]:,} clips to learn from, {clips["validation"]:,} to choose the
checkpoint by; splits: {data["splits"]}. Licence: {data["licence"] or "not stated in the data"}.
sha256 `{data["sha256"]}`.

## Validation

The checkpoint was chosen by {recipe.schedule.checkpoint_metric}; the test part was not looked at.

{shown}

## Recipe

```yaml
{recipe.as_yaml()}```
"""
