"""Report of an evaluation: everything needed to read its figures or to reproduce them."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from tunespace import __version__
from tunespace.data.manifest import Manifest
from tunespace.evaluation.leakage import Overlap
from tunespace.evaluation.metrics.bootstrap import DRAWS
from tunespace.evaluation.metrics.intervals import LEVEL, MIN_UNITS
from tunespace.evaluation.protocols import Protocol, ProtocolResult
from tunespace.evaluation.published_results import Published, published_for
from tunespace.models import JointModel
from tunespace.models.model import Vectors

SCHEMA = 1
_AUDIO = "in the model's own windows; which part of a clip, and how, stands with each protocol"
_HEADLINES = ("recall@1", "recall@10", "hit_rate@10", "ndcg@200")


def is_headline(figure: str) -> bool:
    """Return whether a figure is shown in tables that have no room for all cut-offs.

    Examples:
        >>> is_headline("map"), is_headline("recall@10"), is_headline("recall@5")
        (True, True, False)
    """
    return "@" not in figure or figure in _HEADLINES


@dataclass(frozen=True)
class Report:
    """Result of the evaluation of one model.

    Attributes:
        model: Evaluated model.
        data: Evaluated clips.
        seed: Random seed.
        protocols: Protocols that were run, with their results.
        skipped: Protocols that the data does not allow, with reasons.
        failed: Clips that were left out because their audio could not be read, with reasons.
        unknown_texts: Texts of which the model knows no word, with reasons.
        probes: Probes of the embedding space, independent of any task.
        leakage: Overlap with the training data; None if that is not known.
        vectors: ``(clips, dim)`` embeddings of the clips that were read, with the audio view of the
            first protocol.
        scored_data: Those clips.

    Examples:
        >>> from tunespace.evaluation import evaluate, load_data
        >>> from tunespace.models import load_model
        >>> report = evaluate(load_model(), *load_data("music.csv"), cache=None)
        >>> sorted(report.as_json())[:3]
        ['data', 'intervals', 'leakage']
    """

    model: JointModel
    data: Manifest
    seed: int
    protocols: list[tuple[Protocol, ProtocolResult]]
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    unknown_texts: dict[str, str] = field(default_factory=dict)
    probes: dict[str, Any] = field(default_factory=dict)
    leakage: Overlap | None = None
    vectors: Vectors = field(default_factory=lambda: np.empty((0, 0), np.float32), repr=False)
    scored_data: Manifest | None = field(default=None, repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return the report as a JSON object: the same for the same input, no dates, no paths."""
        return {
            "schema": SCHEMA,
            "tunespace": __version__,
            "model": {
                "identity": self.model.identity,
                "dim": self.model.dim,
                "files": dict(self.model.files),
            },
            "data": {
                "name": self.data.name,
                "sha256": self.data.sha256,
                "clips": len(self.data.items),
                "citation": self.data.citation,
                "licence": self.data.licence,
                "failed": self.failed,
                "remarks": list(self.data.remarks),
            },
            "listening": _AUDIO,
            "seed": self.seed,
            "intervals": {
                "method": "score interval; order statistics for medians; jackknife for AUC",
                "level": LEVEL,
                "min_units": MIN_UNITS,
                "draws_of_differences": DRAWS,
            },
            "protocols": [
                {
                    "protocol": protocol.as_json(),
                    "figures": {
                        name: figure.as_json() | _chance(result, name)
                        for name, figure in result.figures.items()
                    },
                    "tables": result.tables,
                    "notes": result.notes,
                    "published": [asdict(row) for row in self.published(protocol)],
                }
                for protocol, result in self.protocols
            ],
            "probes": self.probes,
            "leakage": "the training data was not given"
            if self.leakage is None
            else self.leakage.as_json(),
            "left_out": self.skipped,
            "refused_texts": self.unknown_texts,
        }

    def published(self, protocol: Protocol) -> list[Published]:
        """Return published results for the same data, split and protocol."""
        return published_for(self.data.data, self.data.split, protocol.name)


def _chance(result: ProtocolResult, name: str) -> dict[str, float]:
    chance = result.chance.get(name, np.nan)
    return {"chance": round(chance, 6)} if np.isfinite(chance) else {}
