"""Compare several models on the same data: one table, with the significance of differences."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tunespace.data.manifest import Manifest
from tunespace.errors import DataError
from tunespace.evaluation.evaluate import embed_data, require_runnable, score
from tunespace.evaluation.leakage import Overlap
from tunespace.evaluation.metrics.bootstrap import Difference, Figure, difference
from tunespace.evaluation.protocols import Protocol
from tunespace.evaluation.report import SCHEMA, Report
from tunespace.models import JointModel


@dataclass(frozen=True)
class ComparisonRow:
    """One figure of all models.

    Attributes:
        protocol: Name of the protocol.
        figure: Name of the figure.
        values: Value of each model.
        differences: Difference of each further model from the first, on the same bootstrap draws.
        chance: Chance level; None if unknown.
    """

    protocol: str
    figure: str
    values: tuple[Figure, ...]
    differences: tuple[Difference, ...]
    chance: float | None


@dataclass(frozen=True)
class Comparison:
    """Comparison of several models.

    Attributes:
        reports: Report of each model, all on the same clips.
        rows: Rows of the table.

    Examples:
        >>> Comparison((), ()).rows
        ()
    """

    reports: tuple[Report, ...]
    rows: tuple[ComparisonRow, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the comparison as a JSON object: the same for the same input."""
        return {
            "schema": SCHEMA,
            "models": [report.model.identity for report in self.reports],
            "rows": [
                {
                    "protocol": row.protocol,
                    "figure": row.figure,
                    "values": [value.as_json() for value in row.values],
                    "less_the_first": [
                        {"value": d.value, "low": d.low, "high": d.high, "p": d.p}
                        for d in row.differences
                    ],
                    "chance": row.chance,
                }
                for row in self.rows
            ],
            "reports": [report.as_json() for report in self.reports],
        }


def _require_different(models: Sequence[JointModel]) -> None:
    if not models:
        raise DataError(["name at least one model"])
    counts = Counter(model.identity for model in models)
    repeated = [f"{name} is given {n} times: name it once" for name, n in counts.items() if n > 1]
    if repeated:
        raise DataError(repeated)


def compare(
    models: Sequence[JointModel],
    data: Manifest,
    protocols: Sequence[Protocol],
    *,
    leakage: Mapping[str, Overlap] | None = None,
    seed: int = 0,
    cache: Path | None = None,
    workers: int | None = None,
    on_progress: Callable[[JointModel, int, int], None] | None = None,
) -> Comparison:
    """Evaluate models on the same clips; a clip that one of them cannot read is left out for all.

    Args:
        models: At least one model.
        data: Clips with their tags, captions and labels.
        protocols: Protocols to run.
        leakage: Overlap with the training data by identity of the model, for the reports.
        seed: Random seed.
        cache: Embedding cache file; None for the default.
        workers: Number of processes; None for one per core.
        on_progress: Called with the model, the number of embedded clips and that of all clips.

    Raises:
        DataError: As in ``evaluate``; or there is no model, or a model is named twice.
        ModelError: A model cannot be used.

    Examples:
        >>> from tunespace.evaluation import load_data
        >>> from tunespace.models import load_model
        >>> manifest, protocols = load_data("music.csv")
        >>> comparison = compare([load_model()], manifest, protocols, cache=None)
        >>> len(comparison.reports)
        1
    """
    _require_different(models)
    require_runnable(data, protocols)
    embeddings = [
        embed_data(
            model,
            data,
            protocols,
            cache=cache,
            workers=workers,
            on_progress=partial(on_progress, model) if on_progress is not None else None,
        )
        for model in models
    ]
    without: dict[int, str] = {}
    for model, own in zip(models, embeddings, strict=True):
        for n, reason in own.failed.items():
            without.setdefault(n, f"({model.name}) {reason}")
    if len(without) == len(data.items):
        raise DataError([f"{data.name}: there is no clip that all of these models can read"])
    overlaps = leakage or {}
    reports = [
        score(model, data, protocols, own, without, leakage=overlaps.get(model.identity), seed=seed)
        for model, own in zip(models, embeddings, strict=True)
    ]
    return Comparison(tuple(reports), tuple(_rows(reports)))


def _rows(reports: Sequence[Report]) -> list[ComparisonRow]:
    """Return a row for each figure; all reports have the same protocols and figures."""
    results = [{protocol.name: result for protocol, result in r.protocols} for r in reports]
    rows = []
    for name, first in results[0].items():
        for figure in first.figures:
            values = tuple(own[name].figures[figure] for own in results)
            differences = tuple(difference(value, values[0]) for value in values[1:])
            chance = first.chance.get(figure)
            rows.append(ComparisonRow(name, figure, values, differences, chance))
    return rows
