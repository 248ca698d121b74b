"""A run: a recipe, data and a folder that holds all that comes of them.

The folder:
    ``recipe.yaml``, all values; ``data.json``, what was train_clips from, with its hash;
    ``versions.json``;
    ``manifest.jsonl``, the clips with the split of each;
    ``rejected.txt``, a line for each row that was left out; ``text/``, tokenizer and word vectors;
    ``checkpoints/last.ckpt`` and ``best.ckpt``; ``metrics.csv``, a row for each epoch;
    ``curves.svg``, a picture of it; ``events*`` for TensorBoard; ``model/``, the model folder;
    ``done.json`` at the end.
"""

import importlib.metadata
import json
import logging
import platform
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import lightning
import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch.accelerators import CPUAccelerator
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.data import DataLoader

from tunespace import __version__
from tunespace.data.manifest import Item, Manifest, load_manifest, write_manifest
from tunespace.data.splits import with_splits
from tunespace.errors import QueryError, TrainingError
from tunespace.evaluation.protocols.unseen import split_tags
from tunespace.models import Model, load_model
from tunespace.models.registry import find_model
from tunespace.training.captions import CaptionSampler, corpus, unmet_requirement
from tunespace.training.collaborative_filtering import factor_width, load_factors
from tunespace.training.data.augmented_copies import draw_change
from tunespace.training.data.batch_sampler import (
    BatchPlan,
    ClipSet,
    EpochSampler,
    TrainingBatches,
    ValidationBatches,
)
from tunespace.training.data.collate import Collator
from tunespace.training.data.spectrogram_cache import SpectrogramCache, default_cache, read_crop
from tunespace.training.loop.contrastive_module import MONITORED_METRIC, ContrastiveModule
from tunespace.training.loop.export import export_run
from tunespace.training.loop.metrics_callback import MetricsCallback, Say
from tunespace.training.loop.run_layout import (
    BEST,
    CHECKPOINTS,
    DATA,
    DONE,
    LAST,
    MANIFEST,
    RECIPE,
    REJECTED,
    TEXT,
    VERSIONS,
)
from tunespace.training.recipe import config
from tunespace.training.recipe.recipe import Recipe
from tunespace.training.towers.dual_encoder import DualEncoder
from tunespace.training.towers.text_tower import load_initial_weights, load_tokenizer, prepare_text

Vectors = npt.NDArray[np.float32]
_PACKAGES = ("torch", "lightning", "transformers", "numpy", "onnx", "av", "gensim")
# ClipSet whose decibels the front end is standardised by.
_MEASURED = 500
_LOADERS = 4
# How allocators say that there is no more.
_FULL = ("can't allocate memory", "not enough memory", "out of memory")


@dataclass(frozen=True)
class TrainingResult:
    """What came of a run.

    Attributes:
        folder: Of the run.
        model: The model folder.
        figures: Of the checkpoint that validated best.
        epochs: That were run in all.
        rejected: Rows that were left out, and why.
    """

    folder: Path
    model: Path
    figures: dict[str, float]
    epochs: int
    rejected: list[str]


def train(
    recipe: Recipe,
    data: str | Path | Manifest,
    out: Path,
    *,
    cache: Path | None = None,
    accelerator: str = "auto",
    devices: int = 1,
    workers: int | None = None,
    loaders: int | None = None,
    say: Say = print,
    on_progress: Callable[[int, int], None] | None = None,
) -> TrainingResult:
    """Trains a system, or goes on where a run was stopped.

    Args:
        recipe: What is trained.
        data: A manifest. Without splits of its own, artists are distributed.
        out: Folder of the run; made when missing.
        cache: Folder of spectrograms; by default in the user's cache.
        accelerator: As Lightning has it: "auto", "cpu", "gpu", "mps".
        devices: Processes that share each batch.
        workers: Processes that decode.
        loaders: Processes that prepare batches while a step is computed; by default none on a
            processor, which has better things to do, and four where there is an accelerator.
        say: Told what happens, in lines.
        on_progress: Called with how many clips are decoded, and of how many.

    Raises:
        DataError: The manifest cannot be used at all.
        TrainingError: The recipe does not fit the data, the folder holds another run, or the
            loss is no number.
    """
    rejected: list[str] = []
    manifest = data if isinstance(data, Manifest) else load_manifest(data, rejected=rejected)
    items, own_splits = with_splits(manifest.items)
    items = tuple(_with_captions(recipe, _drop_test_tags(recipe, items), rejected))
    manifest = replace(manifest, items=items)
    _open_run(out, recipe, manifest, own_splits=own_splits)
    clips = _compute_spectrograms(recipe, items, rejected, cache, workers, on_progress)
    (out / REJECTED).write_text("".join(f"{line}\n" for line in rejected), encoding="utf-8")
    write_manifest([item for part in clips.values() for item in part.items], out / MANIFEST)
    for line in rejected[:5]:
        say(f"left out: {line}")
    if len(rejected) > 5:
        say(f"left out: {len(rejected) - 5:,} more, see {out / REJECTED}")
    train_clips, validation_clips = clips["train"], clips["validation"]
    if len(train_clips) < 2 or len(validation_clips) < 2:
        raise TrainingError(
            f"{len(train_clips)} clips to learn from and {len(validation_clips)} to validate with are left: both "
            f"must be at least 2; {REJECTED} in {out} says what was left out"
        )
    say(
        f"{len(train_clips):,} clips to learn from, {len(validation_clips):,} to validate with, "
        f"{len(clips['test']):,} kept for the test"
    )
    if recipe.collaborative.factors and recipe.collaborative.branch == "cultural":
        say(
            "collaborative.branch cultural hears no music: the run ends with its figures, without a model"
        )
    if not (out / DONE).exists():
        _fit(recipe, train_clips, validation_clips, out, accelerator, devices, loaders, say)
    model, figures, epochs = export_run(out)
    return TrainingResult(out, model, figures, epochs, rejected)


def _drop_test_tags(recipe: Recipe, items: Sequence[Item]) -> Sequence[Item]:
    """The clips, those of the test excepted, without the tags that are kept for the test."""
    if recipe.train_tag_fraction == 1:
        return items
    seen = set(split_tags(items, share=recipe.train_tag_fraction).seen)
    return [
        item
        if item.split == "test"
        else replace(item, tags=tuple(tag for tag in item.tags if tag in seen))
        for item in items
    ]


def _with_captions(recipe: Recipe, items: Sequence[Item], rejected: list[str]) -> list[Item]:
    kept = []
    for item in items:
        why = unmet_requirement(recipe.captions, item)
        if not why and not (item.captions or item.tags):
            why = "has neither a caption nor a tag to validate with"
        if why:
            rejected.append(f"line {item.line}, {item.track_id}: {why}")
        else:
            kept.append(item)
    if not kept:
        raise TrainingError(
            f"not one of {len(items):,} clips can be used: captions.kind {recipe.captions.kind} is said "
            f"of a clip, and each {unmet_requirement(recipe.captions, items[0])}"
            if items
            else "there is not one clip that can be used"
        )
    return kept


def _open_run(out: Path, recipe: Recipe, manifest: Manifest, *, own_splits: bool) -> None:
    """Makes the folder of a new run, or makes sure that it holds this one.

    Raises:
        TrainingError: It holds another.
    """
    counts = dict.fromkeys(("train", "validation", "test"), 0)
    for item in manifest.items:
        counts[item.split] += 1
    data = {
        "name": manifest.name,
        "sha256": manifest.sha256,
        "clips": counts,
        "splits": "of the data" if own_splits else "artists distributed by tunespace",
        "licence": manifest.licence,
        "probes": _probe_texts(manifest.items),
    }
    same = {RECIPE: recipe.as_yaml(), DATA: json.dumps(data, indent=2) + "\n"}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in same.items():
            path = out / name
            if not path.exists():
                path.write_text(text, encoding="utf-8")
            elif path.read_text(encoding="utf-8") != text:
                what = "recipe" if name == RECIPE else "data"
                raise TrainingError(
                    f"{out} holds a run with another {what} (see its {name}): name another "
                    "folder, or repeat what was said when it began"
                )
        versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
        versions |= {"tunespace": __version__, "python": platform.python_version()}
        (out / VERSIONS).write_text(json.dumps(versions, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise TrainingError(f"{out} cannot be written ({error.strerror})") from error


def _probe_texts(items: Sequence[Item]) -> list[str]:
    """Texts as unlike as the data have: a text tower that sees them alike has collapsed."""
    texts = corpus(tuple(item for item in items if item.split == "train"))
    return [texts[n] for n in np.unique(np.linspace(0, len(texts) - 1, 8, dtype=int))]


def _compute_spectrograms(
    recipe: Recipe,
    items: Sequence[Item],
    rejected: list[str],
    cache: Path | None,
    workers: int | None,
    on_progress: Callable[[int, int], None] | None,
) -> dict[str, ClipSet]:
    """The clips of each split that can be heard."""
    front_end = (
        find_model(recipe.audio_tower.model)
        if isinstance(recipe.audio_tower, config.FrozenConfig)
        else recipe.front_end.log_mel()
    )
    spectrograms = SpectrogramCache(cache or default_cache(), front_end)
    failed = spectrograms.make(items, workers=workers, on_progress=on_progress)
    rejected += [f"line {items[n].line}: {why}" for n, why in sorted(failed.items())]
    heard = [item for n, item in enumerate(items) if n not in failed]
    found: dict[str, ClipSet] = {}
    for split in ("train", "validation", "test"):
        mine = tuple(item for item in heard if item.split == split)
        found[split] = ClipSet(mine, tuple(spectrograms.path_of(item) for item in mine))
    if recipe.augment.copies:
        train_clips = found["train"]
        copies = _make_copies(recipe, train_clips.items, spectrograms, workers, on_progress)
        found["train"] = replace(train_clips, copies=copies)
    return found


def _make_copies(
    recipe: Recipe,
    items: Sequence[Item],
    spectrograms: SpectrogramCache,
    workers: int | None,
    on_progress: Callable[[int, int], None] | None,
) -> tuple[tuple[Path, ...], ...]:
    """The spectrograms of changed copies of each clip; a copy that cannot be made is left out."""
    seed, count = recipe.schedule.seed, recipe.augment.copies
    every = [item for item in items for _ in range(count)]
    changes = [draw_change(item, n, recipe.augment, seed) for item in items for n in range(count)]
    failed = spectrograms.make(every, changes, workers=workers, on_progress=on_progress)
    paths = [spectrograms.path_of(*pair) for pair in zip(every, changes, strict=True)]
    return tuple(
        tuple(paths[k] for k in range(n * count, (n + 1) * count) if k not in failed)
        for n in range(len(items))
    )


def _fit(
    recipe: Recipe,
    train_clips: ClipSet,
    validation_clips: ClipSet,
    out: Path,
    accelerator: str,
    devices: int,
    loaders: int | None,
    say: Say,
) -> None:
    schedule = recipe.schedule
    lightning.seed_everything(schedule.seed, verbose=False)
    last = out / CHECKPOINTS / LAST
    prepare_text(recipe.text_tower, train_clips.items, out / TEXT, schedule.seed)
    caption_sampler = CaptionSampler.build(
        recipe.captions, recipe.hard_negatives, train_clips.items
    )
    factors = load_factors(recipe.collaborative.factors)
    collator = Collator(
        load_tokenizer(recipe.text_tower, out / TEXT),
        caption_sampler.pool.tags,
        factors=factors,
        meaning=_text_feature_model(recipe),
    )
    plan = BatchPlan(
        frames=recipe.frames,
        batch_size=schedule.batch_size,
        sampler=schedule.sampler,
        two_crops=recipe.self_supervision.weight > 0,
        factor_dropout=recipe.collaborative.dropout
        if recipe.collaborative.branch == "hybrid"
        else 0.0,
        epochs=schedule.epochs,
        seed=schedule.seed,
    )
    batches = TrainingBatches(train_clips, collator, caption_sampler, plan)
    validation = ValidationBatches(validation_clips, collator, plan, schedule.validation_pairs)
    towers = DualEncoder(recipe, out / TEXT, factor_width(factors))
    if not last.exists():
        load_initial_weights(recipe.text_tower, towers.text)
    if not isinstance(recipe.audio_tower, config.FrozenConfig):
        _set_input_statistics(towers, train_clips, recipe)
    module = ContrastiveModule(recipe, towers, schedule.epochs * len(batches))
    best = ModelCheckpoint(
        out / CHECKPOINTS,
        filename=Path(BEST).stem,
        monitor=MONITORED_METRIC,
        mode="max",
        save_last=True,
        # At the very end of an epoch: what goes on from it begins the next one.
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
    patience = EarlyStopping(
        MONITORED_METRIC, mode="max", patience=schedule.patience, check_on_train_epoch_end=True
    )
    # What it chats about is not asked for; errors are raised.
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # A batch comes whole and drawn from its data set; few of them need few processes.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*exists and is not empty.*")
        warnings.filterwarnings("ignore", message=".*smaller than the logging interval.*")
        warnings.filterwarnings("ignore", message=".*LeafSpec.*deprecated.*")
        trainer = lightning.Trainer(
            accelerator=accelerator,
            devices=devices,
            strategy="ddp" if devices > 1 else "auto",
            max_epochs=schedule.epochs,
            precision="bf16-mixed" if schedule.precision == "bf16" else "32-true",
            callbacks=[
                _SetBatchShare(batches),
                best,
                patience,
                MetricsCallback(out, say, schedule.epochs),
            ],
            logger=TensorBoardLogger(out, name=None, version=""),
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
        )
        if loaders is None:
            loaders = 0 if isinstance(trainer.accelerator, CPUAccelerator) else _LOADERS
        if collator.needs_text_model:
            loaders = 0  # a running model does not survive a fork
        # Steps, not epochs: those are not yet counted when a run that goes on asks for its first.
        order = EpochSampler(batches, lambda: trainer.global_step // len(batches))
        with _explain_out_of_memory(schedule):
            trainer.fit(
                module,
                DataLoader(batches, batch_size=None, sampler=order, num_workers=loaders),
                DataLoader(validation, batch_size=None),
                ckpt_path=last if last.exists() else None,
                weights_only=True,
            )
    if not trainer.is_global_zero:
        # The others were started for the training alone; the first one makes the model.
        raise SystemExit(0)
    if not trainer.interrupted:
        done = {"epochs": trainer.current_epoch, "best": Path(best.best_model_path).name}
        (out / DONE).write_text(json.dumps(done) + "\n", encoding="utf-8")


@contextmanager
def _explain_out_of_memory(schedule: config.ScheduleConfig) -> Iterator[None]:
    """Says in a sentence what a device says in pages when it is full."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        # A processor's allocator has no error of its own.
        full = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if not full and not any(mark in str(error) for mark in _FULL):
            raise
        raise TrainingError(
            f"memory is full: a step holds {-(-schedule.batch_size // schedule.grad_cache_chunks)} clips at once; "
            f"raise schedule.grad_cache_chunks (it is {schedule.grad_cache_chunks}), which keeps the gradient of the "
            "whole batch, or lower schedule.batch_size or seconds; the last checkpoint is kept"
        ) from error


def _text_feature_model(recipe: Recipe) -> Callable[[Sequence[str]], Vectors] | None:
    """What compares texts, where the loss asks for it."""
    match recipe:
        case Recipe(text_tower=config.FrozenTextConfig(model=name)):
            model = load_model(name)
        case Recipe(loss=config.WeightedInfoNCEConfig(text_model=name)):
            model = load_model(name)
        case _:
            return None

    def meaning(texts: Sequence[str]) -> Vectors:
        return np.stack([_embed_or_zero(model, text) for text in texts])

    return meaning


def _embed_or_zero(model: Model, text: str) -> Vectors:
    try:
        point: Vectors = model.embed_text([text])[0]
        return point
    except QueryError:  # no word of it is known: it is like no other
        return np.zeros(model.dim, np.float32)


class _SetBatchShare(lightning.Callback):
    """Tells the batches which share of them is this process's, before any is drawn."""

    def __init__(self, batches: TrainingBatches) -> None:
        self._batches = batches

    def setup(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str
    ) -> None:
        del pl_module, stage
        self._batches.share = (trainer.global_rank, trainer.world_size)


def _set_input_statistics(towers: DualEncoder, train_clips: ClipSet, recipe: Recipe) -> None:
    """Sets the mean and spread of decibels over some of the clips."""
    random = np.random.default_rng(recipe.schedule.seed)
    chosen = random.permutation(len(train_clips))[:_MEASURED]
    heard = np.stack([read_crop(train_clips.files[n], recipe.frames, 0.5) for n in chosen])
    towers.mean_db.copy_(torch.tensor(float(heard.mean())))
    towers.spread_db.copy_(torch.tensor(float(max(heard.std(), 1.0))))
