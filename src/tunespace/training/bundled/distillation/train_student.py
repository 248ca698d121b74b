"""Train the student: mean squared error on the teachers' standardised logits.

Lightning runs the loop, saves a checkpoint after each epoch and resumes from it.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import lightning
import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from tunespace.training.bundled.distillation.augment import Augmentation
from tunespace.training.bundled.distillation.excerpts import Excerpts
from tunespace.training.bundled.distillation.segments import Spectrograms
from tunespace.training.bundled.distillation.student import Student


@dataclass(frozen=True, kw_only=True)
class StudentSchedule:
    """Training schedule of the student; the defaults are those of the bundled model.

    Attributes:
        epochs: Passes over the excerpts.
        batch: Number of excerpts in a step.
        learning_rate: Peak rate of the head in a one-cycle schedule (Smith and Topin 2018).
        held_rate: Peak rate of the teachers in the student, which are nearly right already.
        weight_decay: Weight decay of AdamW, on the head.
        window: Number of frames of a window.
        each: Number of windows of a segment.
        mixed: Number of mixtures, as a fraction of the windows.
        held_out: One track of this many is held out.
        seed: Random seed of excerpts, weights, order and augmentation.
        precision: Precision as Lightning names it; bfloat16 takes half the time on CPUs that
            support it.
    """

    epochs: int = 3
    batch: int = 32
    learning_rate: float = 3e-3
    held_rate: float = 3e-4
    weight_decay: float = 0.02
    window: int = 640
    each: int = 2
    mixed: float = 1.0
    held_out: int = 12
    seed: int = 20261125
    precision: Literal["bf16-mixed", "32-true"] = "bf16-mixed"
    augmentation: Augmentation = field(default_factory=Augmentation)


def train_student(
    student: Student,
    spectrograms: Spectrograms,
    excerpts: Excerpts,
    targets: npt.NDArray[np.float32],
    schedule: StudentSchedule,
    run: Path,
) -> tuple[Student, dict[str, float]]:
    """Train a student, or resume an interrupted run.

    Args:
        student: Initial student.
        spectrograms: Spectrograms of the segments.
        excerpts: Excerpts of them.
        targets: ``(excerpts, outputs)`` float32 standardised logits.
        schedule: Training schedule.
        run: Folder of checkpoints and of ``metrics.csv``.

    Returns:
        The student in evaluation mode, and on the held-out tracks ``held_out_loss`` (mean squared
        error) and ``held_out_r`` (mean Pearson correlation over the outputs).
    """
    lightning.seed_everything(schedule.seed, verbose=False)

    def loader(rows: npt.NDArray[np.int64], *, learn: bool) -> DataLoader[Any]:
        data = _Examples(spectrograms, excerpts, targets, rows, schedule.window)
        return DataLoader(data, schedule.batch, shuffle=learn, drop_last=learn)

    lesson = _Module(student, schedule, spectrograms)
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_epochs=schedule.epochs,
        precision=schedule.precision,
        callbacks=[ModelCheckpoint(run / "checkpoints", save_last=True)],
        logger=CSVLogger(run, name=None, version=""),
        enable_progress_bar=False,
        num_sanity_val_steps=0,
        enable_model_summary=False,
        log_every_n_steps=10,
    )
    last = run / "checkpoints" / "last.ckpt"
    validation = loader(np.flatnonzero(excerpts.held_out), learn=False)
    trainer.fit(
        lesson,
        loader(np.flatnonzero(~excerpts.held_out), learn=True),
        validation,
        ckpt_path=last if last.exists() else None,
        weights_only=True,
    )
    figures = trainer.validate(lesson, validation, verbose=False)[0]
    return lesson.student.eval(), {name: float(value) for name, value in figures.items()}


def held_out_tracks(
    tracks: npt.NDArray[np.str_], schedule: StudentSchedule
) -> npt.NDArray[np.bool_]:
    """Return ``(segments,)`` bool: segments of held-out tracks."""
    names = np.unique(tracks)
    order = np.random.default_rng(schedule.seed).permutation(names)
    return np.isin(tracks, order[: len(names) // schedule.held_out])


class _Examples(Dataset[tuple[Tensor, Tensor]]):
    def __init__(
        self,
        spectrograms: Spectrograms,
        excerpts: Excerpts,
        targets: npt.NDArray[np.float32],
        rows: npt.NDArray[np.int64],
        window: int,
    ) -> None:
        self.spectrograms, self.excerpts, self.targets = spectrograms, excerpts, targets
        self.rows, self.window = rows, window

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        row = int(self.rows[index])
        decibels = self.excerpts.decibels(self.spectrograms, row, self.window)
        return torch.from_numpy(decibels), torch.from_numpy(self.targets[row])


class _Module(lightning.LightningModule):
    def __init__(
        self, student: Student, schedule: StudentSchedule, spectrograms: Spectrograms
    ) -> None:
        super().__init__()
        self.student = student
        # Twice as fast on a CPU.
        self.student.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.schedule = schedule
        self.range_db = (spectrograms.front_end.min_db, spectrograms.front_end.max_db)
        self.random = torch.Generator().manual_seed(schedule.seed)
        self.answers: list[Tensor] = []
        self.truths: list[Tensor] = []

    def on_train_epoch_start(self) -> None:
        # By epoch, so that a resumed run draws what an uninterrupted one would.
        self.random.manual_seed(self.schedule.seed + self.current_epoch)

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        log_mel, targets = batch
        log_mel = self.schedule.augmentation(log_mel, self.random, range_db=self.range_db)
        loss = torch.nn.functional.mse_loss(self.student(log_mel), targets)
        self.log("loss", loss)
        return loss

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        log_mel, targets = batch
        self.answers.append(self.student(log_mel).float())
        self.truths.append(targets)

    def on_validation_epoch_end(self) -> None:
        answers, truths = torch.cat(self.answers), torch.cat(self.truths)
        self.answers, self.truths = [], []
        self.log("held_out_loss", torch.nn.functional.mse_loss(answers, truths))
        r = agreement(answers, truths)
        self.log("held_out_r", r.mean())
        self.log("held_out_r_held", r[: self.student.held].mean())
        epoch = min(self.current_epoch + 1, self.schedule.epochs)
        print(
            f"epoch {epoch}: agreement with the teachers on held-out tracks r = {r.mean():.3f}; "
            f"with those that it holds {r[: self.student.held].mean():.3f}",
            flush=True,
        )

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - as Lightning declares it
        held, head = self.student.fcns.parameters(), self.student.head.parameters()
        rates = [self.schedule.held_rate, self.schedule.learning_rate]
        optimizer = torch.optim.AdamW(
            [
                {"params": list(held), "lr": rates[0], "weight_decay": 0.0},
                {"params": list(head), "lr": rates[1], "weight_decay": self.schedule.weight_decay},
            ]
        )
        cycle = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, rates, total_steps=int(self.trainer.estimated_stepping_batches)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}


def agreement(answers: Tensor, truths: Tensor) -> Tensor:
    """Return ``(outputs,)``: Pearson's correlation of each output with the teachers'."""
    a, t = answers - answers.mean(0), truths - truths.mean(0)
    lengths = torch.linalg.vector_norm(a, dim=0) * torch.linalg.vector_norm(t, dim=0)
    r: Tensor = (a * t).sum(0) / lengths.clamp_min(1e-9)
    return r
