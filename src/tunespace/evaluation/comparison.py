"""Several models on the same data: one table, with what differs beyond chance."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tunespace.data.manifest import Manifest
from tunespace.errors import DataError
from tunespace.evaluation.leakage import Overlap
from tunespace.evaluation.metrics.bootstrap import Difference, Figure, difference
from tunespace.evaluation.protocols import Protocol
from tunespace.evaluation.report import SCHEMA, Report, embed_data, require_runnable, score
from tunespace.models import JointModel


@dataclass(frozen=True)
class ComparisonRow:
    """One figure of all models.

    Attributes:
        protocol: Its name.
        figure: Its name.
        values: Of each model.
        differences: Of each model after the first from the first, on the same draws.
        chance: What guessing gives; None where that is not known.
    """

    protocol: str
    figure: str
    values: tuple[Figure, ...]
    differences: tuple[Difference, ...]
    chance: float | None


@dataclass(frozen=True)
class Comparison:
    """What was found.

    Attributes:
        reports: Of each model, all on the same clips.
        rows: Of the table.
    """

    reports: tuple[Report, ...]
    rows: tuple[ComparisonRow, ...]

    def as_json(self) -> dict[str, Any]:
        """The same for the same input."""
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
    """Judges models on the same clips; those that one of them cannot hear are left out for all.

    Args:
        models: At least one.
        data: Clips and what is known about them.
        protocols: That are run.
        leakage: What ``overlap`` found, by the identity of models; for the reports.
        seed: Of everything that is drawn.
        cache: File of vectors that were computed before.
        workers: Processes that listen.
        on_progress: Called with the model that listens, how many clips it has heard, and of how
            many.

    Raises:
        DataError: As in ``evaluate``, or there is no model, or one is named twice.
        ModelError: A model cannot be used.
    """
    identities = [model.identity for model in models]
    if not models or len(set(identities)) < len(identities):
        raise DataError(["name at least one model, and each once"])
    require_runnable(data, protocols)
    heard = [
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
    lost: dict[int, str] = {}
    for model, found in zip(models, heard, strict=True):
        for n, reason in found.failed.items():
            lost.setdefault(n, f"({model.name}) {reason}")
    if len(lost) == len(data.items):
        raise DataError([f"{data.name}: there is no clip that all of these models can hear"])
    known = leakage or {}
    reports = [
        score(model, data, protocols, found, lost, leakage=known.get(model.identity), seed=seed)
        for model, found in zip(models, heard, strict=True)
    ]
    return Comparison(tuple(reports), tuple(_rows(reports)))


def _rows(reports: Sequence[Report]) -> list[ComparisonRow]:
    """All judged the same clips, hence have the same protocols and figures."""
    rows = []
    found = [{protocol.name: result for protocol, result in report.protocols} for report in reports]
    for name, result in found[0].items():
        for figure in result.figures:
            values = tuple(other[name].figures[figure] for other in found)
            rows.append(
                ComparisonRow(
                    name,
                    figure,
                    values,
                    tuple(difference(value, values[0]) for value in values[1:]),
                    result.chance.get(figure),
                )
            )
    return rows
