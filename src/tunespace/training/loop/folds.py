"""Cross-validation over artists: how long few pairs should train, and what they gain.

With a few hundred pairs, a validation part takes pairs from the training and is too small to choose
a checkpoint by. Here each pair is held out once: the number of epochs is that with the best mean
reciprocal rank over all folds, and the model is then trained on all pairs for so many epochs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tunespace.data.manifest import Item
from tunespace.data.splits import artist_digest
from tunespace.errors import TrainingError
from tunespace.training.data.batch_sampler import ClipSet
from tunespace.training.loop.fit import Hardware, fit
from tunespace.training.loop.metrics_callback import LogFunction
from tunespace.training.loop.metrics_table import RANKING, read_metrics, write_metrics
from tunespace.training.loop.run_layout import DONE
from tunespace.training.recipe.recipe import Recipe

_FOLDS = "folds"
_DIGITS = 6


@dataclass(frozen=True)
class CrossValidation:
    """Validation of all folds.

    Attributes:
        epochs: Number of epochs with the best mean reciprocal rank; 0 if none is better than the
            model as it was.
        rows: Figures of each epoch from 0, as means over the held-out pairs.
        better: Number of folds whose reciprocal rank is better after these epochs.
        folds: Number of folds.
    """

    epochs: int
    rows: list[dict[str, float]]
    better: int
    folds: int

    def write_metrics(self, out: Path) -> None:
        """Write the figures up to the chosen epoch as the metrics of a run."""
        write_metrics(out, self.rows[: self.epochs + 1])


def artist_folds(items: Sequence[Item], count: int) -> list[list[int]]:
    """Return the positions of the clips of each fold; clips of an artist are in one fold.

    Artists (files without an artist) are taken in a pseudo-random order of their names, and each is
    put into the fold that is smallest then. Folds without clips are left out.
    """
    groups: dict[bytes, list[int]] = {}
    for n, item in enumerate(items):
        groups.setdefault(artist_digest(item), []).append(n)
    folds: list[list[int]] = [[] for _ in range(count)]
    for digest in sorted(groups):
        min(folds, key=len).extend(groups[digest])
    return [sorted(fold) for fold in folds if fold]


def cross_validate(
    recipe: Recipe, clips: ClipSet, out: Path, hardware: Hardware, count: int, log: LogFunction
) -> CrossValidation:
    """Train and validate once for each fold of artists.

    Args:
        recipe: Recipe.
        clips: All clips.
        out: Run folder; finished folds are not trained again.
        hardware: Devices and processes.
        count: Number of folds.
        log: Receives a line for each fold.

    Raises:
        TrainingError: There are too few artists.
    """
    folds = [fold for fold in artist_folds(clips.items, count) if len(fold) > 1]
    if len(folds) < 2:
        raise TrainingError(
            f"{len(clips)} pairs are too few for folds of artists: add pairs of other artists, or "
            "a column split with train and validation"
        )
    # A common number of epochs is chosen from all folds.
    whole = without_early_stopping(recipe)
    tables, sizes = [], []
    for n, fold in enumerate(folds):
        folder = out / _FOLDS / str(n)
        rest = sorted(set(range(len(clips))) - set(fold))
        if len(rest) < 2:
            raise TrainingError("nearly all pairs are of one artist: add pairs of other artists")
        if not (folder / DONE).exists():
            folder.mkdir(parents=True, exist_ok=True)
            parts = (_subset(clips, rest), _subset(clips, fold))
            fit(whole, *parts, folder, hardware, lambda _: None)
        tables.append(read_metrics(folder))
        sizes.append(len(fold))
        first, best = tables[-1][0]["mrr"], max(row["mrr"] for row in tables[-1])
        log(f"fold {n + 1} of {len(folds)}: {len(fold)} pairs, mrr {first:.3f} -> {best:.3f}")
    return _summary(tables, np.array(sizes, np.float64))


def without_early_stopping(recipe: Recipe) -> Recipe:
    """Return a recipe whose training goes through all epochs."""
    schedule = recipe.schedule.model_copy(update={"patience": recipe.schedule.epochs})
    return recipe.model_copy(update={"schedule": schedule})


def _summary(tables: list[list[dict[str, float]]], sizes: np.ndarray) -> CrossValidation:
    shares = sizes / sizes.sum()
    rows = [
        {"epoch": float(epoch), "step": rows[0]["step"]}
        | {
            name: float(sum(share * row[name] for share, row in zip(shares, rows, strict=True)))
            for name in RANKING
        }
        for epoch, rows in enumerate(zip(*tables, strict=True))
    ]
    # The first of equal ones; a gain by rounding is none.
    epochs = max(range(len(rows)), key=lambda epoch: round(rows[epoch]["mrr"], _DIGITS))
    better = sum(round(table[epochs]["mrr"] - table[0]["mrr"], _DIGITS) > 0 for table in tables)
    return CrossValidation(epochs, rows, better, len(tables))


def _subset(clips: ClipSet, places: Sequence[int]) -> ClipSet:
    copies = tuple(clips.copies[n] for n in places) if clips.copies else ()
    return ClipSet(
        tuple(clips.items[n] for n in places), tuple(clips.files[n] for n in places), copies
    )
