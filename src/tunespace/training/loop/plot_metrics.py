"""Plot the metrics of a run over its epochs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Text as text, and the same file for the same metrics.
SMALL_AND_SAME: Any = {"svg.fonttype": "none", "svg.hashsalt": "tunespace"}
_WIDTH, _HEIGHT = 4.2, 2.8


def plot_metrics(rows: Sequence[Mapping[str, float]], path: Path, title: str = "") -> None:
    """Plot one panel for each metric over the epochs.

    Args:
        rows: One mapping for each epoch, with ``epoch`` and metrics by name.
        path: Path of the picture; its suffix is the format.
        title: Title of the figure.
    """
    # A canvas without pyplot: nothing stays open, and no display is needed.
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
