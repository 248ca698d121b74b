from pathlib import Path
from xml.etree import ElementTree

from tunespace.training.loop.plot_metrics import plot_metrics


def test_each_figure_has_a_panel(tmp_path: Path) -> None:
    rows = [{"epoch": 1.0, "step": 3.0, "loss": 2.0}, {"epoch": 2.0, "loss": 1.0, "mrr": 0.5}]
    plot_metrics(rows, tmp_path / "curves.svg", "a run")
    text = (tmp_path / "curves.svg").read_text(encoding="utf-8")
    ElementTree.fromstring(text)  # noqa: S314 - our own
    for label in ("loss", "mrr", "a run"):
        assert f">{label}</text>" in text
    assert ">step</text>" not in text


def test_without_metrics_there_is_no_plot(tmp_path: Path) -> None:
    plot_metrics([{"epoch": 1.0}], tmp_path / "curves.svg")
    assert not (tmp_path / "curves.svg").exists()
