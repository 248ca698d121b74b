"""Fit a dual encoder: build data, module and callbacks, and run Lightning's trainer."""

import json
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import lightning
import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch.accelerators import CPUAccelerator
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.data import DataLoader

from tunespace.errors import QueryError, TrainingError
from tunespace.models import Model, load_model
from tunespace.training.captions import CaptionSampler
from tunespace.training.collaborative_filtering import factor_width, load_factors
from tunespace.training.data.batch_sampler import (
    BatchPlan,
    ClipSet,
    EpochSampler,
    TrainingBatches,
    ValidationBatches,
)
from tunespace.training.data.collate import Collator
from tunespace.training.data.spectrogram_cache import read_crop
from tunespace.training.loop.contrastive_module import MONITORED_METRIC, ContrastiveModule
from tunespace.training.loop.metrics_callback import LogFunction, MetricsCallback
from tunespace.training.loop.run_layout import BEST, CHECKPOINTS, DONE, LAST, TEXT
from tunespace.training.recipe import config
from tunespace.training.recipe.recipe import Recipe
from tunespace.training.towers.dual_encoder import DualEncoder
from tunespace.training.towers.text_tower import (
    load_initial_weights,
    load_tokenizer,
    prepare_text,
)

Vectors = npt.NDArray[np.float32]
# Clips whose decibels give the mean and deviation of the input.
_CLIPS_FOR_STATISTICS = 500
_DEFAULT_LOADERS = 4
# Parts of the messages of allocators that are out of memory.
_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """Devices and processes of a run.

    Attributes:
        accelerator: "auto", "cpu", "gpu" or "mps", as in Lightning.
        devices: Number of devices of this machine that share each batch.
        nodes: Number of machines that share each batch; the same command runs on each, as torchrun
            or Slurm start it.
        loaders: Number of processes that prepare batches; None for 0 on CPU and 4 otherwise.
    """

    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    loaders: int | None = None


@dataclass(frozen=True)
class _TrainingData:
    """Batches of a run, and the parts that they are made with."""

    batches: TrainingBatches
    validation: ValidationBatches
    collator: Collator
    factor_width: int


def fit(
    recipe: Recipe,
    train_clips: ClipSet,
    validation_clips: ClipSet,
    out: Path,
    hardware: Hardware,
    log: LogFunction,
    *,
    stop_after: int | None = None,
) -> None:
    """Train until the schedule ends, and record that in the run folder.

    Args:
        recipe: Recipe.
        train_clips: Clips to train on.
        validation_clips: Clips to validate on.
        out: Run folder; training resumes from its last checkpoint.
        hardware: Devices and processes.
        log: Receives a line for each epoch.
        stop_after: Number of epochs after which training ends, whatever the schedule; None for all.

    Raises:
        TrainingError: The loss is not finite, the memory is full, or sizes do not match.
    """
    lightning.seed_everything(recipe.schedule.seed, verbose=False)
    last = out / CHECKPOINTS / LAST
    data = _build_data(recipe, train_clips, validation_clips, out)
    towers = DualEncoder(recipe, out / TEXT, data.factor_width)
    if not last.exists():
        load_initial_weights(recipe.text_tower, towers.text)
    if not isinstance(recipe.audio_tower, config.FrozenConfig):
        _set_input_statistics(towers, train_clips, recipe)
    module = ContrastiveModule(recipe, towers, recipe.schedule.epochs * len(data.batches))
    best = _best_checkpoint(out)
    # Lightning's own messages are not shown; errors still propagate.
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # The data sets return whole batches; a few of them need few processes.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*exists and is not empty.*")
        warnings.filterwarnings("ignore", message=".*smaller than the logging interval.*")
        warnings.filterwarnings("ignore", message=".*LeafSpec.*deprecated.*")
        warnings.filterwarnings("ignore", message=".*all_gather is deprecated.*")
        # Frozen parts are in evaluation mode on purpose.
        warnings.filterwarnings("ignore", message=".*in eval mode at the start of training.*")
        trainer = _build_trainer(recipe, out, hardware, best, data.batches, log, stop_after)
        # Steps, not epochs: a resumed run asks for its first batch before it restores its epoch.
        order = EpochSampler(data.batches, lambda: trainer.global_step // len(data.batches))
        loaders = _loader_count(hardware.loaders, trainer, data.collator)
        with _explain_out_of_memory(recipe.schedule):
            trainer.fit(
                module,
                DataLoader(data.batches, batch_size=None, sampler=order, num_workers=loaders),
                DataLoader(data.validation, batch_size=None),
                ckpt_path=last if last.exists() else None,
                weights_only=True,
            )
    if not trainer.is_global_zero:
        # Further processes only train; the first one exports the model.
        raise SystemExit(0)
    if not trainer.interrupted:
        done = {"epochs": trainer.current_epoch, "best": Path(best.best_model_path).name}
        (out / DONE).write_text(json.dumps(done) + "\n", encoding="utf-8")


def _build_data(
    recipe: Recipe, train_clips: ClipSet, validation_clips: ClipSet, out: Path
) -> _TrainingData:
    schedule = recipe.schedule
    prepare_text(recipe.text_tower, train_clips.items, out / TEXT, schedule.seed)
    captions = CaptionSampler.build(recipe.captions, recipe.hard_negatives, train_clips.items)
    factors = load_factors(recipe.collaborative.factors)
    collator = Collator(
        load_tokenizer(recipe.text_tower, out / TEXT),
        captions.pool.tags,
        factors=factors,
        text_features=_text_feature_model(recipe),
    )
    is_hybrid = recipe.collaborative.branch == "hybrid"
    plan = BatchPlan(
        frames=recipe.frames,
        batch_size=schedule.batch_size,
        sampler=schedule.sampler,
        two_crops=recipe.self_supervision.weight > 0,
        factor_dropout=recipe.collaborative.dropout if is_hybrid else 0.0,
        epochs=schedule.epochs,
        seed=schedule.seed,
    )
    return _TrainingData(
        TrainingBatches(train_clips, collator, captions, plan),
        ValidationBatches(validation_clips, collator, plan, schedule.validation_pairs),
        collator,
        factor_width(factors),
    )


def _best_checkpoint(out: Path) -> ModelCheckpoint:
    return ModelCheckpoint(
        out / CHECKPOINTS,
        filename=Path(BEST).stem,
        monitor=MONITORED_METRIC,
        mode="max",
        save_last=True,
        # At the very end of an epoch: a resumed run begins with the next one.
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )


def _build_trainer(
    recipe: Recipe,
    out: Path,
    hardware: Hardware,
    best: ModelCheckpoint,
    batches: TrainingBatches,
    log: LogFunction,
    stop_after: int | None,
) -> lightning.Trainer:
    schedule = recipe.schedule
    patience = EarlyStopping(
        MONITORED_METRIC, mode="max", patience=schedule.patience, check_on_train_epoch_end=True
    )
    metrics = MetricsCallback(out, log, schedule.epochs)
    return lightning.Trainer(
        accelerator=hardware.accelerator,
        devices=hardware.devices,
        num_nodes=hardware.nodes,
        strategy="ddp" if hardware.devices * hardware.nodes > 1 else "auto",
        max_epochs=stop_after or schedule.epochs,
        precision="bf16-mixed" if schedule.precision == "bf16" else "32-true",
        callbacks=[_SetBatchShare(batches), best, patience, metrics],
        # Each start writes a file of events; TensorBoard leaves out what a resumed run repeats.
        logger=TensorBoardLogger(out, name=None, version="", purge_step=_resumed_step(out)),
        enable_progress_bar=False,
        enable_model_summary=False,
        # A frozen model is validated before the first step, too: is it better afterwards?
        num_sanity_val_steps=-1 if isinstance(recipe.audio_tower, config.FrozenConfig) else 0,
        use_distributed_sampler=False,
    )


def _resumed_step(out: Path) -> int | None:
    """Return the step that a run resumes from; None for a new run."""
    last = out / CHECKPOINTS / LAST
    if not last.exists():
        return None
    checkpoint = torch.load(last, map_location="cpu", weights_only=True, mmap=True)
    return int(checkpoint["global_step"])


def _loader_count(requested: int | None, trainer: lightning.Trainer, collator: Collator) -> int:
    if collator.needs_text_model:
        return 0  # an ONNX session does not survive a fork
    if requested is None:
        return 0 if isinstance(trainer.accelerator, CPUAccelerator) else _DEFAULT_LOADERS
    return requested


@contextmanager
def _explain_out_of_memory(schedule: config.ScheduleConfig) -> Iterator[None]:
    """Replace the error of a full device by one sentence."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        # The CPU allocator has no exception class of its own.
        is_full = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if not is_full and not any(text in str(error) for text in _OUT_OF_MEMORY):
            raise
        chunks = schedule.grad_cache_chunks
        raise TrainingError(
            f"out of memory: a step holds {-(-schedule.batch_size // chunks)} clips at once; "
            f"raise schedule.grad_cache_chunks (it is {chunks}), which keeps the gradient of the "
            "whole batch, or lower schedule.batch_size or seconds; the last checkpoint is kept"
        ) from error


def _text_feature_model(recipe: Recipe) -> Callable[[Sequence[str]], Vectors] | None:
    """Return the function that embeds texts with a fixed model, if tower or loss needs one."""
    match recipe:
        case Recipe(text_tower=config.FrozenTextConfig(model=name)):
            model = load_model(name)
        case Recipe(loss=config.WeightedInfoNCEConfig(text_model=name)):
            model = load_model(name)
        case _:
            return None

    def embed(texts: Sequence[str]) -> Vectors:
        return np.stack([_embed_or_zero(model, text) for text in texts])

    return embed


def _embed_or_zero(model: Model, text: str) -> Vectors:
    try:
        vector: Vectors = model.embed_text([text])[0]
        return vector
    except QueryError:  # no known word: similar to no other text
        return np.zeros(model.dim, np.float32)


class _SetBatchShare(lightning.Callback):
    """Sets which share of each batch belongs to this process, before any is drawn."""

    def __init__(self, batches: TrainingBatches) -> None:
        self._batches = batches

    def setup(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str
    ) -> None:
        del pl_module, stage
        self._batches.share = (trainer.global_rank, trainer.world_size)


def _set_input_statistics(towers: DualEncoder, clips: ClipSet, recipe: Recipe) -> None:
    """Set the mean and deviation of decibels over a sample of the training clips."""
    random = np.random.default_rng(recipe.schedule.seed)
    chosen = random.permutation(len(clips))[:_CLIPS_FOR_STATISTICS]
    crops = np.stack([read_crop(clips.files[n], recipe.frames, 0.5) for n in chosen])
    towers.mean_db.copy_(torch.tensor(float(crops.mean())))
    towers.spread_db.copy_(torch.tensor(float(max(crops.std(), 1.0))))
