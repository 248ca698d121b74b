"""What a run says while it goes on: a line for each epoch, a table, a page with curves."""

import csv
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import lightning

from tunespace.training.loop.contrastive_module import MONITORED_METRIC
from tunespace.training.loop.plot_metrics import plot_metrics
from tunespace.training.loop.run_layout import CURVES, METRICS

Say = Callable[[str], None]


class MetricsCallback(lightning.Callback):
    """Keeps the figures of each epoch, in the checkpoint as well: a run that goes on keeps them."""

    def __init__(self, out: Path, say: Say, epochs: int) -> None:
        """Writes into the folder of a run."""
        self._out, self._say, self._epochs = out, say, epochs
        self.rows: list[dict[str, float]] = []

    def state_dict(self) -> dict[str, Any]:
        """Goes into the checkpoint."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Comes out of the checkpoint."""
        self.rows = list(state_dict["rows"])

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """An epoch is over, and its checkpoint is about to be written."""
        del pl_module
        figures = {
            name: float(value)
            for name, value in trainer.callback_metrics.items()
            if name != MONITORED_METRIC
        }
        epoch = trainer.current_epoch + 1
        self.rows.append({"epoch": epoch, "step": trainer.global_step, **figures})
        if trainer.is_global_zero:
            said = ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
            self._say(f"epoch {epoch} of {self._epochs}: {said}")
            self._write()

    def on_train_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """All epochs are over."""
        del pl_module
        self._draw(trainer)

    def on_exception(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        exception: BaseException,
    ) -> None:
        """It ends early: what there is says why, perhaps."""
        del pl_module, exception
        self._draw(trainer)

    def _draw(self, trainer: lightning.Trainer) -> None:
        if trainer.is_global_zero and self.rows:
            # A picture that cannot be written must not hide why the run ends.
            with suppress(OSError):
                plot_metrics(self.rows, self._out / CURVES, self._out.name)

    def _write(self) -> None:
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        partial = self._out / f"{METRICS}.partial"
        with partial.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, names)
            table.writeheader()
            table.writerows(self.rows)
        partial.replace(self._out / METRICS)
