"""Base of all protocols: input, result, and the figures of a ranking."""

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
    """Embeds the texts of an evaluation, each once.

    A text that the model rejects, because it knows none of its words, gets the zero vector: it is
    tied with all items, and last under the pessimistic rule.

    Examples:
        >>> from tunespace import load_model
        >>> texts = TextEmbedder(load_model())
        >>> texts(["jazz", "jazz", "metal"]).shape, texts.unknown
        ((3, 159), {})
    """

    def __init__(self, model: JointModel) -> None:
        """Create an embedder with an empty cache."""
        self._model = model
        self._rows: dict[str, Vectors] = {}
        self.unknown: dict[str, str] = {}

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Return ``(texts, dim)`` float32, unit rows."""
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
    """Input of a protocol.

    Attributes:
        items: Clips that could be read.
        vectors: ``(items, dim)`` float32, unit rows.
        texts: Embeds texts.
        categories: Category of each tag.
        seed: Random seed.

    Examples:
        >>> from tunespace import load_model
        >>> from tunespace.evaluation.protocols import TagToMusic
        >>> items = [Item("1", tags=("jazz",)), Item("2", tags=("metal",))]
        >>> model = load_model()
        >>> vectors = model.embed_text(["jazz", "metal"])  # in place of audio embeddings
        >>> inputs = ProtocolInput(items, vectors, TextEmbedder(model), {}, seed=0)
        >>> TagToMusic().run(inputs).figures["map"].value
        1.0
    """

    items: Sequence[Item]
    vectors: Vectors
    texts: TextEmbedder
    categories: Mapping[str, str]
    seed: int


@dataclass(frozen=True)
class ProtocolResult:
    """Result of a protocol.

    Attributes:
        figures: Figures with intervals, by name.
        chance: Chance level of each figure, if known.
        tables: Tables of details, by name, such as the figures of each tag.
        notes: Counts and remarks that a reader needs.
        series: Values per query, for plots.

    Examples:
        >>> from tunespace.evaluation.metrics.bootstrap import figure
        >>> accuracy = figure(np.array([1.0, 0.0]), unit="tracks")
        >>> result = ProtocolResult({"accuracy": accuracy}, chance={"accuracy": 0.5})
        >>> result.figures["accuracy"].value, result.chance["accuracy"]
        (0.5, 0.5)
    """

    figures: dict[str, Figure]
    chance: dict[str, float] = field(default_factory=dict)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    series: dict[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """Definition of a figure: all of it is in the fields, and all fields are in the report.

    Attributes:
        name: Name in reports.
        audio_view: Part of a clip that is embedded, and pooling of its windows.

    Examples:
        >>> from tunespace.evaluation.protocols import STANDARD
        >>> [protocol.name for protocol in STANDARD][:2]
        ['tag-to-music', 'tags-to-music']
    """

    kind: ClassVar[str]

    name: str
    audio_view: AudioView = WHOLE_CLIP

    def unmet_requirement(self, items: Sequence[Item]) -> str:
        """Return what the clips lack for this protocol; empty if it can be run."""
        raise NotImplementedError

    def validate(self, items: Sequence[Item]) -> list[str]:  # noqa: ARG002 - for those that ask
        """Return errors of the request: what it names and no clip has."""
        return []

    def run(self, inputs: ProtocolInput) -> ProtocolResult:
        """Run the protocol."""
        raise NotImplementedError

    def as_json(self) -> dict[str, Any]:
        """Return the protocol as a JSON object for reports."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        values["audio_view"] = self.audio_view.as_json()
        # Reports of earlier versions have this key: renaming it would make them incomparable.
        renamed = {"audio_view": "listening"}
        return {"kind": self.kind} | {renamed.get(name, name): v for name, v in values.items()}


@dataclass(frozen=True, kw_only=True)
class TagProtocol(Protocol):
    """Protocol whose queries are tags.

    Attributes:
        tags: Tags to use as queries; empty for all that the clips allow.
        category: Category of tags to use; empty for all.

    Examples:
        >>> from tunespace.evaluation.protocols import TagToMusic
        >>> TagToMusic(tags=("jaz",)).validate([Item("1", tags=("jazz",))])
        ["no clip carries the tag 'jaz'"]
    """

    tags: tuple[str, ...] = ()
    category: str = ""

    def validate(self, items: Sequence[Item]) -> list[str]:
        """Return the requested tags that no clip carries."""
        known = {tag for item in items for tag in item.tags}
        return [f"no clip carries the tag {tag!r}" for tag in self.tags if tag not in known]


def cosines(music: Vectors, texts: Vectors) -> Vectors:
    """Return ``(clips, texts)`` float32 cosines: products in float64, as in rankings."""
    return (music.astype(np.float64) @ texts.T.astype(np.float64)).astype(np.float32)


def validate_protocols(protocols: Sequence[Protocol], items: Sequence[Item]) -> list[str]:
    """Return the errors of all requests, each once.

    Examples:
        >>> from tunespace.evaluation.protocols import TagToMusic
        >>> validate_protocols([TagToMusic(tags=("jaz",))], [Item("1", tags=("jazz",))])
        ["no clip carries the tag 'jaz'"]
    """
    faults = (fault for protocol in protocols for fault in protocol.validate(items))
    return list(dict.fromkeys(faults))


def tag_matrix(items: Sequence[Item], tags: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Return ``(clips, tags)`` bool: whether a clip carries a tag."""
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
    """Return all figures of a ranking, with the chance level of a random order of each pool."""
    figures = {
        name: figure(metric(ranked), unit=unit, seed=seed) for name, metric in _PER_QUERY.items()
    }
    pool = float(ranked.pool.max()) if len(ranked) else 1.0
    ranks = first_rank(ranked)
    figures["mean_rank"] = figure(ranks, unit=unit, scale=(1.0, pool), seed=seed)
    figures["median_rank"] = figure(ranks, unit=unit, statistic="median", seed=seed)
    guessed = _random_ranking(ranked, seed)
    chance = {name: _mean(metric(guessed)) for name, metric in _PER_QUERY.items()}
    guesses = first_rank(guessed)
    chance["median_rank"] = float(np.nanmedian(guesses)) if (~np.isnan(guesses)).any() else np.nan
    notes = {
        "queries": int((ranked.relevant > 0).sum()),
        "queries_without_relevant": int((ranked.relevant == 0).sum()),
        "pool": int(ranked.pool.max()) if len(ranked) else 0,
        "relevant_per_query": _mean(ranked.relevant[ranked.relevant > 0].astype(np.float64)),
    }
    return ProtocolResult(figures, chance, {}, notes, {"first rank": ranks})


def _random_ranking(ranked: Ranked, seed: int) -> Ranked:
    """Return the same queries with their relevant items at random ranks."""
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
