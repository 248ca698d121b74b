"""HTML report of a comparison in one self-contained file, with plots by plotly."""

import html
from collections.abc import Sequence
from typing import Any

import numpy as np

from tunespace.errors import DataError
from tunespace.evaluation.comparison import Comparison, ComparisonRow
from tunespace.evaluation.metrics.bootstrap import Figure, format_value
from tunespace.evaluation.metrics.intervals import MIN_UNITS
from tunespace.evaluation.protocols import TextEmbedder
from tunespace.evaluation.published_results import Published
from tunespace.evaluation.report import Report, is_headline
from tunespace.models.model import Vectors

_MOST_POINTS = 3000
_MOST_WORDS = 60
_COLOURS = ("#3366cc", "#dc3912", "#109618", "#990099", "#0099c6", "#b77300", "#66aa00", "#dd4477")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:90rem;margin:2rem auto;padding:0 1rem}
body{color:#222;background:#fff}
table{border-collapse:collapse;margin:1rem 0;font-size:.9rem;display:block;overflow-x:auto}
th,td{text-align:left;padding:.25rem .7rem;border-bottom:1px solid #ddd;white-space:nowrap}
td.n{text-align:right;font-variant-numeric:tabular-nums}
small{color:#555;font-weight:normal}summary{cursor:pointer}.better{color:#0a6b25}.worse{color:#a11}
"""


def html_report(comparison: Comparison, published: Sequence[Published] = ()) -> str:
    """Return a comparison as an HTML page.

    Args:
        comparison: Comparison.
        published: Published results under the same protocols.

    Raises:
        DataError: plotly is not installed.
    """
    try:
        import plotly.graph_objects as graphs
        import plotly.io
    except ImportError as error:
        raise DataError(["the page needs plotly: pip install 'tunespace[evaluate]'"]) from error
    first = comparison.reports[0]
    plots = [
        ("Rank of the first relevant item", _ranks(comparison, graphs)),
        ("ROC-AUC of each tag", _tags(comparison, graphs)),
        *((f"Map of {r.model.name}: music and words", _map(r, graphs)) for r in comparison.reports),
    ]
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width'>",
        f"<title>{_text(first.data.name)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{_text(first.data.name)}</h1>",
        f"<p>{_text(_audio_view_note(first))}</p>",
        f"<p>Intervals of 95 % (* of fewer than {MIN_UNITS}: too few)</p>",
        f"<p>Seed {first.seed}; data {first.data.sha256[:16]}</p>",
        f"<p><small>{_text(first.data.citation)}. {_text(first.data.licence)}</small></p>",
        _table(comparison),
        _published_rows(published),
        _leakage(comparison),
        _probes(comparison),
    ]
    library: bool | str = True
    for title, plot in plots:
        if plot is None:
            continue
        drawn = plotly.io.to_html(plot, full_html=False, include_plotlyjs=library)
        parts += [f"<h2>{_text(title)}</h2>", drawn]
        library = False
    return "\n".join([*parts, "</body></html>"])


def _audio_view_note(report: Report) -> str:
    """Return the number of clips and their audio view."""
    ways: dict[str, list[str]] = {}
    for protocol, _ in report.protocols:
        ways.setdefault(str(protocol.audio_view), []).append(protocol.name)
    views = (
        f"{way}{' (' + ', '.join(names) + ')' if len(ways) > 1 else ''}"
        for way, names in ways.items()
    )
    count = len(report.data.items) - len(report.failed)
    missed = f", {len(report.failed):,} could not be read" if report.failed else ""
    return f"{count:,} clips{missed}. Audio: {'; '.join(views)}."


def _text(value: object) -> str:
    return html.escape(str(value).encode("utf-8", "replace").decode("utf-8"))


def _cell(figure: Figure) -> str:
    interval = figure.format_interval().replace(" - ", " to ")
    return f"<td class=n>{format_value(figure.value)} <small>{interval}</small></td>"


def _named(report: Report) -> str:
    """Return the name and the shortened hash of a model."""
    name, _, sha256 = report.model.identity.rpartition("@")
    return f"{_text(name)}<br><small>{_text(sha256)}</small>"


def _table(comparison: Comparison) -> str:
    """Return a table of the headline figures, and one of all figures."""
    few = [row for row in comparison.rows if is_headline(row.figure)]
    return (
        _rows(comparison, few)
        + f"<details><summary>All {len(comparison.rows)} figures</summary>"
        + _rows(comparison, comparison.rows)
        + "</details>"
    )


def _rows(comparison: Comparison, rows: Sequence[ComparisonRow]) -> str:
    names = [_named(report) for report in comparison.reports]
    head = "".join(f"<th>{name}</th>" for name in names)
    others = comparison.reports[1:]
    head += "".join(
        f"<th>{_text(r.model.name)}<br><small>less the first</small></th>" for r in others
    )
    lines = [f"<table><tr><th>protocol</th><th>figure</th>{head}<th>chance level</th></tr>"]
    for row in rows:
        cells = "".join(_cell(value) for value in row.values)
        for difference in row.differences:
            sign = (
                ""
                if difference.p >= 0.05
                else "better"
                if _improves(row.figure, difference.value)
                else "worse"
            )
            cell = f"{difference.value:+.3f} <small>p = {difference.p:.3f}</small>"
            cells += f"<td class='n {sign}'>{cell}</td>"
        chance = "" if row.chance is None else format_value(row.chance)
        lines.append(
            f"<tr><td>{_text(row.protocol)}</td><td>{_text(row.figure)}</td>{cells}"
            f"<td class=n>{chance}</td></tr>"
        )
    return "".join([*lines, "</table>"])


def _leakage(comparison: Comparison) -> str:
    """Return the leakage of each model, as far as it is known."""
    rows = "".join(
        f"<li>{_text(r.model.name)}: "
        + ("unknown" if r.leakage is None else _text(r.leakage.describe(len(r.data.items))))
        + "</li>"
        for r in comparison.reports
    )
    return f"<h2>Clips in the training data of the models</h2><ul>{rows}</ul>"


def _improves(figure: str, difference: float) -> bool:
    """Return whether a difference is an improvement: lower is better for ranks."""
    return difference < 0 if figure.endswith("_rank") else difference > 0


def _published_rows(published: Sequence[Published]) -> str:
    if not published:
        return ""
    rows = "".join(
        f"<tr><td>{_text(p.protocol)}</td><td>{_text(p.figure)}</td><td>{_text(p.system)}</td>"
        f"<td class=n>{format_value(p.value)}</td>"
        f"<td>{_text(p.source)}</td><td>{_text(p.how)}</td></tr>"
        for p in published
    )
    head = "<th>protocol</th><th>figure</th><th>system</th><th>value</th><th>source</th><th></th>"
    return f"<h2>Published results under the same protocol</h2><table><tr>{head}</tr>{rows}</table>"


def _probes(comparison: Comparison) -> str:
    head = "".join(f"<th>{_named(report)}</th>" for report in comparison.reports)
    lines = [f"<h2>The space</h2><table><tr><th>probe</th><th></th>{head}</tr>"]
    for probe, values in comparison.reports[0].probes.items():
        for key in values:
            cells = "".join(
                f"<td class=n>{_text(report.probes[probe][key])}</td>"
                for report in comparison.reports
            )
            lines.append(f"<tr><td>{_text(probe)}</td><td>{_text(key)}</td>{cells}</tr>")
    return "".join([*lines, "</table>"])


def _ranks(comparison: Comparison, graphs: Any) -> Any:  # noqa: ANN401 - plotly has no types
    plot = graphs.Figure()
    for colour, report in zip(_COLOURS, comparison.reports, strict=False):
        for dash, (protocol, result) in zip(_DASHES * 5, report.protocols, strict=False):
            ranks = result.series.get("first rank")
            if ranks is not None and len(ranks):
                ordered = np.sort(ranks[~np.isnan(ranks)])
                plot.add_scatter(
                    x=ordered,
                    y=np.arange(1, len(ordered) + 1) / len(ordered),
                    name=f"{report.model.name}, {protocol.name}",
                    mode="lines",
                    line={"color": colour, "shape": "hv", "dash": dash},
                )
    plot.update_xaxes(type="log", title="rank")
    plot.update_yaxes(title="share of queries at or above it", range=[0, 1])
    return plot if plot.data else None


def _tags(comparison: Comparison, graphs: Any) -> Any:  # noqa: ANN401
    plot = graphs.Figure()
    for colour, report in zip(_COLOURS, comparison.reports, strict=False):
        rows = [
            row
            for protocol, result in report.protocols
            if protocol.kind == "tag -> music"
            for row in result.tables.get("tags", ())
            if row["roc_auc"] is not None
        ]
        if rows:
            plot.add_bar(
                x=[row["tag"] for row in rows],
                y=[row["roc_auc"] for row in rows],
                name=report.model.name,
                marker={"color": colour},
            )
    plot.add_hline(y=0.5, line_dash="dot")
    plot.update_yaxes(title="ROC-AUC", range=[0, 1])
    return plot if plot.data else None


def _map(report: Report, graphs: Any) -> Any:  # noqa: ANN401
    """Return a plot of music and texts along the first two principal components of the music."""
    if report.scored_data is None or len(report.vectors) < 3:
        return None
    random = np.random.default_rng(report.seed)
    chosen = np.arange(len(report.vectors))
    if len(chosen) > _MOST_POINTS:
        chosen = np.sort(random.choice(len(chosen), size=_MOST_POINTS, replace=False))
    items = [report.scored_data.items[n] for n in chosen]
    music = report.vectors[chosen]
    counted: dict[str, int] = {}
    for item in items:
        for word in (*item.tags, *list(item.labels.values())[:1]):
            counted[word] = counted.get(word, 0) + 1
    words = sorted(counted, key=lambda word: -counted[word])[:_MOST_WORDS]
    texts = TextEmbedder(report.model)(words)
    centre = music.mean(axis=0)
    axes = np.linalg.svd(music - centre, full_matrices=False)[2][:2]
    plot = graphs.Figure()
    labels = [next(iter(item.labels.values()), item.tags[0] if item.tags else "") for item in items]
    for colour, label in zip(_COLOURS * 20, sorted(set(labels)), strict=False):
        rows = [n for n, value in enumerate(labels) if value == label]
        at = (music[rows] - centre) @ axes.T
        plot.add_scatter(
            x=at[:, 0],
            y=at[:, 1],
            mode="markers",
            name=label or "music",
            marker={"size": 6, "opacity": 0.6, "color": colour},
            text=[_text(items[n].title or items[n].track_id) for n in rows],
        )
    if len(words):
        at = _planar(texts, axes)
        plot.add_scatter(
            x=at[:, 0],
            y=at[:, 1],
            mode="text",
            text=[_text(word) for word in words],
            name="words",
            textfont={"size": 13},
        )
    plot.update_layout(height=700)
    return plot


def _planar(texts: Vectors, axes: Vectors) -> Vectors:
    """Project texts around their own centre: the modality gap would hide everything else."""
    planar: Vectors = (texts - texts.mean(axis=0)) @ axes.T
    return planar
