"""What all protocols share: what they are given, what they give, and the figures of a ranking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from tunespace.data.manifest import Item
from tunespace.errors import QueryError
from tunespace.evaluation.audio_view import WHOLE_CLIP, AudioView
from tunespace.evaluation.metrics.bootstrap import Figure, Unit, figure
from tunespace.evaluation.metrics.ranking import (
    Floats,
    Ranked,
    average_precision,
    first_rank,
    hit_rate_at,
    ndcg_at,
    precision_at,
    recall_at,
    reciprocal_rank,
)
from tunespace.models import JointModel
from tunespace.models.model import Vectors


class TextEmbedder:
    """The texts of a run as points; each is placed once.

    A text that the model refuses, as one of which it understands no word, is the zero point: it is
    level with everything, and last under our tie rule.
    """

    def __init__(self, model: JointModel) -> None:
        """Places nothing yet."""
        self._model = model
        self._rows: dict[str, Vectors] = {}
        self.unknown: dict[str, str] = {}

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """``(texts, dim)`` float32, unit rows."""
        for text in texts:
            if text not in self._rows:
                try:
                    self._rows[text] = self._model.embed_text([text])[0]
                except QueryError as error:
                    self.unknown[text] = str(error)
                    self._rows[text] = np.zeros(self._model.dim, np.float32)
        if not texts:
            return np.empty((0, self._model.dim), np.float32)
        return np.stack([self._rows[text] for text in texts])


@dataclass(frozen=True)
class ProtocolInput:
    """What a protocol works on.

    Attributes:
        items: Clips that were heard.
        vectors: ``(items, dim)`` float32, unit rows.
        texts: Places texts.
        categories: Of tags.
        seed: Of whatever is drawn.
    """

    items: Sequence[Item]
    vectors: Vectors
    texts: TextEmbedder
    categories: Mapping[str, str]
    seed: int


@dataclass(frozen=True)
class ProtocolResult:
    """What a protocol found.

    Attributes:
        figures: With intervals, by name.
        chance: What guessing gives, of the same names where that is known.
        tables: Rows of details, by name, as figures of each tag.
        notes: Counts and remarks that a reader needs.
        series: A value a query, for plots.
    """

    figures: dict[str, Figure]
    chance: dict[str, float] = field(default_factory=dict)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    series: dict[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How a number is made: all of it is in the fields, and all fields are in the report.

    Attributes:
        name: In reports.
        audio_view: Which part of a clip is heard, and how.
    """

    kind: ClassVar[str]

    name: str
    audio_view: AudioView = WHOLE_CLIP

    def unmet_requirement(self, items: Sequence[Item]) -> str:
        """What the clips lack for this protocol; nothing where it can be run."""
        raise NotImplementedError

    def validate(self, items: Sequence[Item]) -> list[str]:  # noqa: ARG002 - for those that ask
        """What the protocol asks for by name and no clip has: mistakes, not a lack of data."""
        return []

    def run(self, inputs: ProtocolInput) -> ProtocolResult:
        """Judges."""
        raise NotImplementedError

    def as_json(self) -> dict[str, Any]:
        """For reports."""
        said = {f.name: getattr(self, f.name) for f in fields(self)}
        return {"kind": self.kind} | said | {"listening": self.audio_view.as_json()}


@dataclass(frozen=True, kw_only=True)
class TagProtocol(Protocol):
    """A protocol whose queries are tags.

    Attributes:
        tags: Those that are asked for; all that the clips allow where it is empty.
        category: Only tags of this kind; all where it is empty.
    """

    tags: tuple[str, ...] = ()
    category: str = ""

    def validate(self, items: Sequence[Item]) -> list[str]:
        """Tags that are asked for and that nobody carries."""
        known = {tag for item in items for tag in item.tags}
        return [f"no clip carries the tag {tag!r}" for tag in self.tags if tag not in known]


def cosines(music: Vectors, texts: Vectors) -> Vectors:
    """``(clips, texts)`` float32: products in float64, as those that rankings are made of."""
    return (music.astype(np.float64) @ texts.T.astype(np.float64)).astype(np.float32)


def validate_protocols(protocols: Sequence[Protocol], items: Sequence[Item]) -> list[str]:
    """What is wrong with what protocols ask for, each once."""
    found = (fault for protocol in protocols for fault in protocol.validate(items))
    return list(dict.fromkeys(found))


def tag_matrix(items: Sequence[Item], tags: Sequence[str]) -> npt.NDArray[np.bool_]:
    """``(clips, tags)``: which clips carry which tags."""
    rows = [[tag in item.tags for tag in tags] for item in items]
    return np.array(rows, bool).reshape(len(items), len(tags))


_PER_QUERY = {
    "recall@1": lambda r: recall_at(r, 1),
    "recall@5": lambda r: recall_at(r, 5),
    "recall@10": lambda r: recall_at(r, 10),
    "hit_rate@1": lambda r: hit_rate_at(r, 1),
    "hit_rate@5": lambda r: hit_rate_at(r, 5),
    "hit_rate@10": lambda r: hit_rate_at(r, 10),
    "precision@10": lambda r: precision_at(r, 10),
    "map@10": lambda r: average_precision(r, 10),
    "map": average_precision,
    "mrr": reciprocal_rank,
    "ndcg@10": lambda r: ndcg_at(r, 10),
    "ndcg@200": lambda r: ndcg_at(r, 200),
    "mean_rank": first_rank,
}


def ranking_result(ranked: Ranked, *, unit: Unit, seed: int) -> ProtocolResult:
    """All figures of a ranking, and what a random order of each pool gives."""
    found = {
        name: figure(metric(ranked), unit=unit, seed=seed) for name, metric in _PER_QUERY.items()
    }
    found["median_rank"] = figure(first_rank(ranked), unit=unit, statistic="median", seed=seed)
    guessed = _random_ranking(ranked, seed)
    chance = {name: _mean(metric(guessed)) for name, metric in _PER_QUERY.items()}
    ranks = first_rank(guessed)
    chance["median_rank"] = float(np.nanmedian(ranks)) if (~np.isnan(ranks)).any() else np.nan
    notes = {
        "queries": int((ranked.relevant > 0).sum()),
        "queries_without_relevant": int((ranked.relevant == 0).sum()),
        "pool": int(ranked.pool.max()) if len(ranked) else 0,
        "relevant_per_query": _mean(ranked.relevant[ranked.relevant > 0].astype(np.float64)),
    }
    return ProtocolResult(found, chance, {}, notes, {"first rank": first_rank(ranked)})


def _random_ranking(ranked: Ranked, seed: int) -> Ranked:
    """The same queries with their relevant items at random places, once."""
    random = np.random.default_rng([seed, len(ranked.ranks)])
    drawn = [
        np.sort(random.choice(pool, size=count, replace=False)) + 1.0
        for pool, count in zip(ranked.pool, ranked.relevant, strict=True)
    ]
    ranks = np.concatenate(drawn) if drawn else ranked.ranks
    return Ranked(ranks, ranked.gains, ranked.offsets, ranked.pool, ranked.ideal, ranked.ties)


def _mean(values: np.ndarray) -> float:
    kept = values[~np.isnan(values)]
    return float(kept.mean()) if len(kept) else np.nan
