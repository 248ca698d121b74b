"""Several models on the same data: one table, with what differs beyond chance."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunespace.errors import DataError
from tunespace.evaluation.bootstrap import Difference, Figure, difference
from tunespace.evaluation.manifest import Manifest
from tunespace.evaluation.protocols import Protocol
from tunespace.evaluation.report import SCHEMA, Report, evaluate
from tunespace.models import JointModel


@dataclass(frozen=True)
class Row:
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
    rows: tuple[Row, ...]

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
    seed: int = 0,
    cache: Path | None = None,
    workers: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Judges models on the same clips; those that one of them cannot hear are left out for all.

    Args:
        models: At least one.
        data: Clips and what is known about them.
        protocols: That are run.
        seed: Of everything that is drawn.
        cache: File of vectors that were computed before.
        workers: Processes that listen.
        on_progress: Called with how many clips are heard, and of how many, for each model.

    Raises:
        DataError: As in ``evaluate``, or there is no model, or one is named twice.
        ModelError: A model cannot be used.
    """
    identities = [model.identity for model in models]
    if not models or len(set(identities)) < len(identities):
        raise DataError(["name at least one model, and each once"])

    def judge(part: Manifest) -> list[Report]:
        return [
            evaluate(
                model,
                part,
                protocols,
                seed=seed,
                cache=cache,
                workers=workers,
                on_progress=on_progress,
            )
            for model in models
        ]

    reports = judge(data)
    lost = {track for report in reports for track in report.failed}
    if any(set(report.failed) != lost for report in reports):
        kept = tuple(item for item in data.items if item.track_id not in lost)
        reports = judge(replace(data, items=kept))
    return Comparison(tuple(reports), tuple(_rows(reports)))


def _rows(reports: Sequence[Report]) -> list[Row]:
    rows = []
    found = [
        {protocol.name: outcome for protocol, outcome in report.protocols} for report in reports
    ]
    for name, outcome in found[0].items():
        for figure in outcome.figures:
            if all(figure in other[name].figures for other in found if name in other):
                values = tuple(other[name].figures[figure] for other in found if name in other)
                rows.append(
                    Row(
                        name,
                        figure,
                        values,
                        tuple(difference(value, values[0]) for value in values[1:]),
                        outcome.chance.get(figure),
                    )
                )
    return rows
