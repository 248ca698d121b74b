"""Record the metrics of each epoch: a log line, a table and a plot."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import lightning

from tunespace.training.loop.contrastive_module import MONITORED_METRIC
from tunespace.training.loop.metrics_table import write_metrics
from tunespace.training.loop.plot_metrics import plot_metrics
from tunespace.training.loop.run_layout import CURVES

LogFunction = Callable[[str], None]


class MetricsCallback(lightning.Callback):
    """Keeps the metrics of each epoch, in the checkpoint as well, so that a resumed run has all."""

    def __init__(self, out: Path, log: LogFunction, epochs: int) -> None:
        """Take the run folder, the log function and the number of epochs."""
        self._out, self._log, self._epochs = out, log, epochs
        self.rows: list[dict[str, float]] = []

    def state_dict(self) -> dict[str, Any]:
        """Return the state for the checkpoint."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state from a checkpoint."""
        self.rows = list(state_dict["rows"])

    def on_sanity_check_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Record the figures before the first step, if they were computed."""
        before: dict[str, float] = getattr(pl_module, "figures_before", {})
        if before and not trainer.global_step and not self.rows:
            self.rows.append({"epoch": 0, "step": 0, **before})
            if trainer.is_global_zero:
                self._log(f"before training: {_listed(before)}")

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Record an epoch, before its checkpoint is written."""
        del pl_module
        figures = {
            name: float(value)
            for name, value in trainer.callback_metrics.items()
            if name != MONITORED_METRIC
        }
        epoch = trainer.current_epoch + 1
        self.rows.append({"epoch": epoch, "step": trainer.global_step, **figures})
        if trainer.is_global_zero:
            self._log(f"epoch {epoch} of {self._epochs}: {_listed(figures)}")
            write_metrics(self._out, self.rows)

    def on_train_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Plot the metrics at the end of the run."""
        del pl_module
        self._plot(trainer)

    def on_exception(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        exception: BaseException,
    ) -> None:
        """Plot the metrics of a run that fails: they may show why."""
        del pl_module, exception
        self._plot(trainer)

    def _plot(self, trainer: lightning.Trainer) -> None:
        if trainer.is_global_zero and self.rows:
            # A plot that cannot be written must not hide the error that ended the run.
            with suppress(OSError):
                plot_metrics(self.rows, self._out / CURVES, self._out.name)


def _listed(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
