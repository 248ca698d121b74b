"""Train a system: a recipe, data, and a run folder that holds all results.

The run folder:
    ``recipe.yaml``, all values of the recipe; ``data.json``, name, hash and number of clips of the
    data; ``versions.json``, versions of all packages; ``manifest.jsonl``, the clips with their
    splits; ``rejected.txt``, a line for each row that was left out; ``text/``, tokenizer and word
    vectors; ``checkpoints/last.ckpt`` and ``best.ckpt``; ``metrics.csv``, a row for each epoch,
    ``curves.svg``, its plot, and ``events*`` for TensorBoard; ``model/``, the exported model
    folder; ``done.json``, written at the end.
"""

import importlib.metadata
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tunespace import __version__
from tunespace.data.manifest import Item, Manifest, load_manifest, write_manifest
from tunespace.data.splits import with_splits
from tunespace.errors import TrainingError
from tunespace.evaluation.metrics.intervals import MIN_UNITS
from tunespace.training.captions import corpus
from tunespace.training.data.batch_sampler import ClipSet
from tunespace.training.loop.export import export_run, figures_before
from tunespace.training.loop.fit import Hardware, fit
from tunespace.training.loop.folds import cross_validate, without_early_stopping
from tunespace.training.loop.metrics_callback import LogFunction
from tunespace.training.loop.metrics_table import RANKING
from tunespace.training.loop.prepare import compute_spectrograms, usable_items
from tunespace.training.loop.run_layout import (
    DATA,
    DONE,
    MANIFEST,
    RECIPE,
    REJECTED,
    VERSIONS,
)
from tunespace.training.recipe import config
from tunespace.training.recipe.recipe import Recipe

_PACKAGES = ("torch", "lightning", "transformers", "numpy", "onnx", "av", "gensim")
_MAX_LOGGED_REJECTIONS = 5
_PROBE_TEXTS = 8


@dataclass(frozen=True)
class TrainingResult:
    """Result of a run.

    Attributes:
        folder: Run folder.
        model: Exported model folder.
        figures: Validation metrics of the best checkpoint.
        before: Validation metrics before the first step, of a model that is adapted; else empty.
        epochs: Number of epochs.
        rejected: Rows that were left out, with reasons.
    """

    folder: Path
    model: Path
    figures: dict[str, float]
    epochs: int
    rejected: list[str]
    before: dict[str, float] = field(default_factory=dict)


def train(
    recipe: Recipe,
    data: str | Path | Manifest,
    out: Path,
    *,
    cache: Path | None = None,
    accelerator: str = "auto",
    devices: int = 1,
    nodes: int = 1,
    workers: int | None = None,
    loaders: int | None = None,
    folds: int = 0,
    log: LogFunction = print,
    on_progress: Callable[[int, int], None] | None = None,
) -> TrainingResult:
    """Train a system, or resume an interrupted run.

    Args:
        recipe: Recipe.
        data: Manifest. If it has no splits, artists are assigned to splits at random.
        out: Run folder; created if missing.
        cache: Folder of the spectrogram cache; None for the default.
        accelerator: "auto", "cpu", "gpu" or "mps", as in Lightning.
        devices: Number of devices of this machine that share each batch.
        nodes: Number of machines that share each batch.
        workers: Number of processes that decode audio; None for one per core.
        loaders: Number of processes that prepare batches; None for 0 on CPU and 4 otherwise.
        folds: Number of folds of artists for data without splits (``folds.cross_validate``): they
            choose the number of epochs, and all clips are trained on; 0 for a validation part.
        log: Receives lines about the progress.
        on_progress: Called with the number of computed spectrograms and that of all.

    Raises:
        DataError: The manifest is not valid.
        TrainingError: The recipe does not fit the data, the folder holds another run, or the loss
            is not finite.
    """
    rejected: list[str] = []
    manifest = data if isinstance(data, Manifest) else load_manifest(data, rejected=rejected)
    # A model that is adapted has few pairs: all of them train it or choose its checkpoint.
    is_adapted = isinstance(recipe.audio_tower, config.FrozenConfig)
    items, has_splits = with_splits(manifest.items, has_test=not is_adapted)
    uses_folds = folds > 0 and not has_splits
    if uses_folds:
        items = tuple(replace(item, split="train") for item in items)
    items = usable_items(recipe, items, rejected)
    manifest = replace(manifest, items=items)
    source = "of the data" if has_splits else "artists distributed by tunespace"
    _open_run(out, recipe, manifest, f"{folds} folds of artists" if uses_folds else source)
    clips = compute_spectrograms(recipe, items, rejected, cache, workers, on_progress)
    (out / REJECTED).write_text("".join(f"{line}\n" for line in rejected), encoding="utf-8")
    write_manifest([item for part in clips.values() for item in part.items], out / MANIFEST)
    _log_rejected(rejected, out, log)
    hardware = Hardware(accelerator=accelerator, devices=devices, nodes=nodes, loaders=loaders)
    if uses_folds:
        return _train_with_folds(recipe, clips["train"], out, hardware, folds, log, rejected)
    train_clips, validation_clips = clips["train"], clips["validation"]
    if len(train_clips) < 2 or len(validation_clips) < 2:
        raise TrainingError(
            f"{len(train_clips)} clips are left to train on and {len(validation_clips)} to "
            f"validate on: both must be at least 2; {REJECTED} in {out} lists what was left out"
        )
    log(
        f"{len(train_clips):,} clips to train on, {len(validation_clips):,} to validate on, "
        f"{len(clips['test']):,} held out for the test"
    )
    if recipe.collaborative.factors and recipe.collaborative.branch == "cultural":
        log(
            "collaborative.branch cultural uses no audio: the run ends with its metrics, without "
            "a model"
        )
    if not (out / DONE).exists():
        fit(recipe, train_clips, validation_clips, out, hardware, log)
    model, figures, epochs = export_run(out)
    before = figures_before(out)
    if before:
        for line in _gain(before, figures, len(validation_clips)):
            log(line)
    return TrainingResult(out, model, figures, epochs, rejected, before)


def _train_with_folds(
    recipe: Recipe,
    clips: ClipSet,
    out: Path,
    hardware: Hardware,
    count: int,
    log: LogFunction,
    rejected: list[str],
) -> TrainingResult:
    """Train on all clips, for as many epochs as folds of artists show to be best."""
    log(f"{len(clips):,} clips; {count} folds of artists choose the number of epochs")
    found = cross_validate(recipe, clips, out, hardware, count, log)
    if not found.epochs:
        raise TrainingError(
            f"training on {len(clips):,} pairs makes the model no better (mrr "
            f"{found.rows[0]['mrr']:.3f} as it is): keep it, or add pairs"
        )
    log(f"best after {found.epochs} epochs: better in {found.better} of {found.folds} folds")
    if not (out / DONE).exists():
        # The clips are its own: what it reports on them says nothing.
        longest = without_early_stopping(recipe)
        fit(longest, clips, clips, out, hardware, lambda _: None, stop_after=found.epochs)
    found.write_metrics(out)
    model, figures, epochs = export_run(out, last=True)
    before = figures_before(out)
    for line in _gain(before, figures, len(clips)):
        log(line)
    return TrainingResult(out, model, figures, epochs, rejected, before)


def _gain(before: Mapping[str, float], after: Mapping[str, float], clips: int) -> list[str]:
    """Return lines on what adapting a model has changed on the validation clips."""
    names = [name for name in RANKING if name in before and name in after]
    changes = ", ".join(f"{name} {before[name]:.3f} -> {after[name]:.3f}" for name in names)
    lines = [f"validation, before and after: {changes} ({clips:,} clips)"]
    if clips < MIN_UNITS:
        lines.append(
            f"fewer than {MIN_UNITS} validation clips cannot show whether the model is better: "
            "add pairs"
        )
    elif after["mrr"] <= before["mrr"]:
        lines.append("the validation is not better than before: keep the model as it was")
    return lines


def _log_rejected(rejected: Sequence[str], out: Path, log: LogFunction) -> None:
    for line in rejected[:_MAX_LOGGED_REJECTIONS]:
        log(f"left out: {line}")
    more = len(rejected) - _MAX_LOGGED_REJECTIONS
    if more > 0:
        log(f"left out: {more:,} more, see {out / REJECTED}")


def _open_run(out: Path, recipe: Recipe, manifest: Manifest, splits: str) -> None:
    """Create a run folder, or check that an existing one has this recipe and data.

    Raises:
        TrainingError: The folder holds another run, or is not writable.
    """
    counts = dict.fromkeys(("train", "validation", "test"), 0)
    for item in manifest.items:
        counts[item.split] += 1
    data = {
        "name": manifest.name,
        "sha256": manifest.sha256,
        "clips": counts,
        "splits": splits,
        "licence": manifest.licence,
        "probes": _probe_texts(manifest.items),
    }
    files = {RECIPE: recipe.as_yaml(), DATA: json.dumps(data, indent=2) + "\n"}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            path = out / name
            if not path.exists():
                path.write_text(text, encoding="utf-8")
            elif path.read_text(encoding="utf-8") != text:
                what = "recipe" if name == RECIPE else "data"
                raise TrainingError(
                    f"{out} holds a run with another {what} (see its {name}): choose another "
                    "folder, or repeat the options of the first start"
                )
        versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
        versions |= {"tunespace": __version__, "python": platform.python_version()}
        (out / VERSIONS).write_text(json.dumps(versions, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise TrainingError(f"{out} is not writable ({error.strerror})") from error


def _probe_texts(items: Sequence[Item]) -> list[str]:
    """Return texts that differ as much as the data allows: a collapsed tower embeds them alike."""
    texts = corpus(tuple(item for item in items if item.split == "train"))
    rows = np.unique(np.linspace(0, len(texts) - 1, _PROBE_TEXTS, dtype=int))
    return [texts[n] for n in rows]
