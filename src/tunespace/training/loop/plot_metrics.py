"""The figures of a run's epochs as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Letters as letters, and the same picture for the same figures.
SMALL_AND_SAME: Any = {"svg.fonttype": "none", "svg.hashsalt": "tunespace"}
_WIDTH, _HEIGHT = 4.2, 2.8


def plot_metrics(rows: Sequence[Mapping[str, float]], path: Path, title: str = "") -> None:
    """Draws a panel for each figure over the epochs.

    Args:
        rows: One for each epoch, with ``epoch`` and figures by name.
        path: Of the picture; its ending says the format.
        title: Above it.
    """
    # A canvas of its own, without pyplot: nothing is left open, and no screen is needed.
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = [name for name in dict.fromkeys(n for row in rows for n in row) if name not in _AXES]
    if not names:
        return
    picture = Figure(figsize=(_WIDTH * len(names), _HEIGHT), layout="constrained")
    FigureCanvasAgg(picture)
    panels = picture.subplots(1, len(names), squeeze=False)[0]
    for panel, name in zip(panels, names, strict=True):
        points = [(row["epoch"], row[name]) for row in rows if name in row]
        panel.plot(*zip(*points, strict=True), marker="o", markersize=3)
        panel.set_title(name)
        panel.set_xlabel("epoch")
        panel.grid(alpha=0.3)
    picture.suptitle(title)
    with rc_context(SMALL_AND_SAME):
        picture.savefig(path, metadata={"Date": None})


_AXES = ("epoch", "step")
