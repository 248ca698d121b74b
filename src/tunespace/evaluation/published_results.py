"""Published results, each with the data, split and protocol that it was measured on.

A result is shown beside ours only if all three have the same names. Results with an unknown split
("unnamed"), or on data of their own, are kept for citation and never match. ``how`` states the
remaining differences, such as the part of a track that was used.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_FILE = "published.tsv"


@dataclass(frozen=True)
class Published:
    """Published result.

    Attributes:
        data: Name of the data set.
        split: Name of the split.
        protocol: Name of the protocol.
        system: Evaluated system.
        figure: Name of the figure, as in our reports; ranks from 1.
        value: Value as a fraction, not in percent.
        source: Publication.
        how: Remark that a reader needs.
    """

    data: str
    split: str
    protocol: str
    system: str
    figure: str
    value: float
    source: str
    how: str


@cache
def published() -> tuple[Published, ...]:
    """Return all published results."""
    text = files("tunespace.evaluation").joinpath(_FILE).read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return tuple(
        Published(
            data=row["data"],
            split=row["split"],
            protocol=row["protocol"],
            system=row["system"],
            figure=row["figure"],
            value=float(row["value"]),
            source=row["source"],
            how=row["how"] or "",
        )
        for row in rows
    )


def published_for(data: str, split: str, protocol: str) -> list[Published]:
    """Return the results for the same data, split and protocol."""
    return [p for p in published() if (p.data, p.split, p.protocol) == (data, split, protocol)]
