"""Training the student: mean squared error on the teachers' standardised logits.

Lightning runs the loop, keeps a checkpoint after each epoch and goes on from it.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader, TensorDataset

from tunespace.audio import LogMel
from tunespace.training.distillation.augment import Augmentation
from tunespace.training.distillation.segments import Spectrograms, decibels_per_step
from tunespace.training.distillation.student import CENTRE_DB, Student


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How the student is trained; the values of the bundled model.

    Attributes:
        epochs: Passes over the music.
        batch: Segments in a step.
        learning_rate: The peak of a one-cycle schedule (Smith and Topin 2018).
        weight_decay: Of AdamW.
        window: Frames that the student hears at once; one random place a batch.
        held_out: One track in so many is never learned from.
        seed: Of weights, order and augmentation.
    """

    epochs: int = 20
    batch: int = 32
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    window: int = 500
    held_out: int = 12
    seed: int = 20261125
    augmentation: Augmentation = field(default_factory=Augmentation)


def distil(
    spectrograms: Spectrograms,
    tracks: npt.NDArray[np.str_],
    targets: npt.NDArray[np.float32],
    schedule: Schedule,
    run: Path,
) -> tuple[Student, dict[str, float]]:
    """Trains a student, or goes on where a run stopped.

    Args:
        spectrograms: Of the segments.
        tracks: ``(segments,)`` str, the track of each; a track is held out as a whole.
        targets: ``(segments, outputs)`` float32, standardised logits.
        schedule: How.
        run: Folder of checkpoints and of ``metrics.csv``.

    Returns:
        The student in evaluation mode, and on the held-out tracks ``held_out_loss`` (mean squared
        error) and ``held_out_r`` (mean Pearson correlation over the outputs).
    """
    lightning.seed_everything(schedule.seed, verbose=False)
    held_out = held_out_tracks(tracks, schedule)
    heard = np.flatnonzero(spectrograms.heard)
    learned, judged = heard[~held_out[heard]], heard[held_out[heard]]

    def loader(rows: npt.NDArray[np.int64], *, learn: bool) -> DataLoader[Any]:
        data = TensorDataset(
            torch.from_numpy(np.asarray(spectrograms.values[rows])),
            torch.from_numpy(targets[rows]),
        )
        return DataLoader(data, schedule.batch, shuffle=learn, drop_last=learn)

    lesson = _Lesson(targets.shape[1], schedule, spectrograms.front_end)
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_epochs=schedule.epochs,
        callbacks=[ModelCheckpoint(run / "checkpoints", save_last=True)],
        logger=CSVLogger(run, name=None, version=""),
        enable_progress_bar=False,
        num_sanity_val_steps=0,
        enable_model_summary=False,
        log_every_n_steps=10,
    )
    last = run / "checkpoints" / "last.ckpt"
    validation = loader(judged, learn=False)
    trainer.fit(
        lesson,
        loader(learned, learn=True),
        validation,
        ckpt_path=last if last.exists() else None,
        weights_only=True,
    )
    figures = trainer.validate(lesson, validation, verbose=False)[0]
    return lesson.student.eval(), {name: float(value) for name, value in figures.items()}


def held_out_tracks(tracks: npt.NDArray[np.str_], schedule: Schedule) -> npt.NDArray[np.bool_]:
    """``(segments,)`` bool: which segments belong to a track that is not learned from."""
    names = np.unique(tracks)
    order = np.random.default_rng(schedule.seed).permutation(names)
    return np.isin(tracks, order[: len(names) // schedule.held_out])


class _Lesson(lightning.LightningModule):
    def __init__(self, outputs: int, schedule: Schedule, front_end: LogMel) -> None:
        super().__init__()
        self.student = Student(outputs)
        # Twice as fast on a CPU.
        self.student.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.schedule = schedule
        self.front_end = front_end
        self.random = torch.Generator().manual_seed(schedule.seed)
        self.answers: list[torch.Tensor] = []
        self.truths: list[torch.Tensor] = []

    def on_train_epoch_start(self) -> None:
        # By epoch, so that a run that goes on hears what an unbroken one would.
        self.random.manual_seed(self.schedule.seed + self.current_epoch)

    def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
        spectrogram, targets = batch
        window = self.schedule.window
        latest = spectrogram.shape[1] - window
        first = int(torch.randint(latest + 1, (), generator=self.random))
        log_mel, targets = self.schedule.augmentation(
            self._decibels(spectrogram[:, first : first + window]),
            targets,
            self.random,
            range_db=(self.front_end.min_db, self.front_end.max_db),
            hidden_db=CENTRE_DB,
        )
        loss = torch.nn.functional.mse_loss(self.student(log_mel), targets)
        self.log("loss", loss)
        return loss

    def validation_step(self, batch: list[torch.Tensor], _: int) -> None:
        spectrogram, targets = batch
        window = self.schedule.window
        latest = spectrogram.shape[1] - window
        hops = range(0, latest + 1, max(1, latest // 2))
        windows = [self._decibels(spectrogram[:, first : first + window]) for first in hops]
        answers = torch.stack([self.student(log_mel) for log_mel in windows]).mean(dim=0)
        self.answers.append(answers)
        self.truths.append(targets)

    def on_validation_epoch_end(self) -> None:
        answers, truths = torch.cat(self.answers), torch.cat(self.truths)
        self.answers, self.truths = [], []
        self.log("held_out_loss", torch.nn.functional.mse_loss(answers, truths))
        a, t = answers - answers.mean(0), truths - truths.mean(0)
        r = (a * t).sum(0) / (a.norm(dim=0) * t.norm(dim=0)).clamp_min(1e-9)
        self.log("held_out_r", r.mean())
        epoch = min(self.current_epoch + 1, self.schedule.epochs)
        print(
            f"epoch {epoch}: agreement with the teachers on held-out tracks r = {r.mean():.3f}",
            flush=True,
        )

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - as Lightning declares it
        optimizer = torch.optim.AdamW(
            self.student.parameters(),
            self.schedule.learning_rate,
            weight_decay=self.schedule.weight_decay,
        )
        cycle = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            self.schedule.learning_rate,
            total_steps=int(self.trainer.estimated_stepping_batches),
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}

    def _decibels(self, spectrogram: torch.Tensor) -> torch.Tensor:
        step = decibels_per_step(self.front_end)
        return spectrogram.float() * step + self.front_end.min_db
