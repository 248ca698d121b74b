"""The table of metrics in a run folder: a row for each epoch."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from tunespace.files import write_text
from tunespace.training.loop.run_layout import METRICS

RANKING = ("recall@10", "mrr", "median_rank")
"""Names of the validation metrics."""


def read_metrics(run: Path) -> list[dict[str, float]]:
    """Return the figures of each epoch of a run."""
    with (run / METRICS).open(encoding="utf-8", newline="") as file:
        return [
            {name: float(value) for name, value in row.items() if value}
            for row in csv.DictReader(file)
        ]


def write_metrics(run: Path, rows: Sequence[dict[str, float]]) -> None:
    """Write the figures of each epoch of a run."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, names)
    table.writeheader()
    table.writerows(rows)
    write_text(run / METRICS, text.getvalue())
