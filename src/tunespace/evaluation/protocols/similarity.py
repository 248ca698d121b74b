"""Similarity: artists that are similar to an artist, and tracks that people call nearer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from tunespace.data.manifest import Item
from tunespace.evaluation.metrics.bootstrap import figure
from tunespace.evaluation.metrics.classification import triplet_accuracy
from tunespace.evaluation.metrics.ranking import Ties, rank_vectors
from tunespace.evaluation.protocols.base import (
    Protocol,
    ProtocolInput,
    ProtocolResult,
    ranking_result,
)


@dataclass(frozen=True, kw_only=True)
class SimilarArtist(Protocol):
    """Similar artists: each artist is a query, and those annotated as similar are relevant.

    An artist is the mean of the embeddings of their clips. The query is that mean, or a text with
    the artist's name as in TTMR++ (Doh et al. 2024), which only a model trained on names can
    answer. The main figure is nDCG@200, as for OLGA (Korzeniowski et al. 2021).

    Attributes:
        query: ``audio`` or ``text``.
        prompt: Text of the query, with ``{}`` for the artist's name.
        ties: Rule for ties.

    Examples:
        >>> items = [Item("1", artist="Ann", similar_artists=("Bob",)), Item("2", artist="Bob")]
        >>> SimilarArtist(query="text").unmet_requirement(items)
        ''
    """

    kind: ClassVar[str] = "similar artist"

    name: str = "similar-artist"
    query: Literal["audio", "text"] = "audio"
    prompt: str = "similar with artist {}"
    ties: Ties = "pessimistic"

    def unmet_requirement(self, items: Sequence[Item]) -> str:
        """Return what is missing: similar artists with clips."""
        here = {item.artist_key for item in items if item.artist_key}
        has_pair = any(here & set(item.similar_artists) - {item.artist_key} for item in items)
        return "" if has_pair else "no artist's similar artists have clips"

    def run(self, inputs: ProtocolInput) -> ProtocolResult:
        """Rank all other artists for each artist."""
        clips: dict[str, list[int]] = {}
        for n, item in enumerate(inputs.items):
            if item.artist_key:
                clips.setdefault(item.artist_key, []).append(n)
        names = list(clips)
        place = {name: n for n, name in enumerate(names)}
        centroids = np.stack([inputs.vectors[rows].mean(axis=0) for rows in clips.values()])
        centroids /= np.maximum(np.linalg.norm(centroids, axis=1, keepdims=True), 1e-12)
        similar = [
            sorted(
                {
                    place[other]
                    for row in rows
                    for other in inputs.items[row].similar_artists
                    if other in place and other != name
                }
            )
            for name, rows in clips.items()
        ]
        queries = [n for n, relevant in enumerate(similar) if relevant]
        printed = [inputs.items[rows[0]].artist or name for name, rows in clips.items()]
        query_vectors = (
            centroids[queries]
            if self.query == "audio"
            else inputs.texts([self.prompt.replace("{}", printed[n]) for n in queries])
        )
        ranked = rank_vectors(
            query_vectors, centroids, [similar[n] for n in queries], exclude=queries, ties=self.ties
        )
        return ranking_result(ranked, unit="queries", seed=inputs.seed)


@dataclass(frozen=True, kw_only=True)
class SimilarTrack(Protocol):
    """Triplets: an anchor, a track that people call nearer to it, and one that they call farther.

    Source: dim-sim (Lee et al. 2020). The triplets are the labels ``nearer`` and ``farther`` of the
    anchor, each a ``track_id``.

    Examples:
        >>> items = [Item("1", labels={"nearer": "2", "farther": "3"}), Item("2"), Item("3")]
        >>> SimilarTrack().unmet_requirement(items)
        ''
    """

    kind: ClassVar[str] = "similar track (triplets)"

    name: str = "similar-track"

    def unmet_requirement(self, items: Sequence[Item]) -> str:
        """Return what is missing: triplets with all three tracks."""
        return "" if _triplets(items) else "there are no triplets (labels nearer and farther)"

    def run(self, inputs: ProtocolInput) -> ProtocolResult:
        """Return the accuracy over triplets."""
        triplets = np.array(_triplets(inputs.items))
        anchor, near, far = (inputs.vectors[triplets[:, k]].astype(np.float64) for k in range(3))
        right = triplet_accuracy(
            (anchor * near).sum(axis=1).astype(np.float32),
            (anchor * far).sum(axis=1).astype(np.float32),
        )
        accuracy = figure(right, unit="triplets", seed=inputs.seed)
        return ProtocolResult({"triplet_accuracy": accuracy}, {"triplet_accuracy": 0.5})


def _triplets(items: Sequence[Item]) -> list[tuple[int, int, int]]:
    place = {item.track_id: n for n, item in enumerate(items)}
    return [
        (n, place[item.labels["nearer"]], place[item.labels["farther"]])
        for n, item in enumerate(items)
        if item.labels.get("nearer") in place and item.labels.get("farther") in place
    ]
