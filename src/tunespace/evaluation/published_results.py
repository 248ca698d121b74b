"""What others printed, each number under the data, split and protocol that it was made with.

A number is put beside ours only where all three are the same by name. Numbers whose split is not
known ("unnamed"), or that were made on data of their own, are kept to be cited, and never match.
``how`` says what still differs, as which part of a track was heard.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_FILE = "published.tsv"


@dataclass(frozen=True)
class Published:
    """A printed number.

    Attributes:
        data: Name of the data set.
        split: Of it.
        protocol: Name of the protocol.
        system: What was judged.
        figure: As ours are called; ranks from 1.
        value: As a share, not in percent.
        source: Who printed it, and where.
        how: What a reader must know.
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
    """All of them."""
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
    """Those made with the same data, split and protocol."""
    return [p for p in published() if (p.data, p.split, p.protocol) == (data, split, protocol)]
