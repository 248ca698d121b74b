"""Retrieval: text to music by tags, several tags and sentences; music to text; same artist."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from tunespace.data.manifest import Item
from tunespace.evaluation.metrics.classification import tag_figures
from tunespace.evaluation.metrics.ranking import Ties, average_precision, rank_vectors
from tunespace.evaluation.protocols.base import (
    Protocol,
    ProtocolInput,
    ProtocolResult,
    TagProtocol,
    cosines,
    ranking_result,
    tag_matrix,
)


@dataclass(frozen=True, kw_only=True)
class TagToMusic(TagProtocol):
    """Tag to music: each tag is a query, and the clips that carry it are relevant.

    Attributes:
        prompt: Text of the query, with ``{}`` for the tag.
        ties: Rule for ties.

    Examples:
        >>> protocol = TagToMusic(prompt="a piece of {} music")
        >>> protocol.unmet_requirement([Item("1", tags=("jazz",))])
        ''
        >>> protocol.unmet_requirement([Item("2")])
        'no clip has tags'
    """

    kind: ClassVar[str] = "tag -> music"

    name: str = "tag-to-music"
    prompt: str = "{}"
    ties: Ties = "pessimistic"

    def unmet_requirement(self, items: Sequence[Item]) -> str:
        """Return what is missing: tags."""
        return "" if any(item.tags for item in items) else "no clip has tags"

    def run(self, inputs: ProtocolInput) -> ProtocolResult:
        """Return the AUC of tags (intervals over clips) and of ranking (intervals over tags)."""
        kept = self.category
        tags = sorted(
            {
                tag
                for item in inputs.items
                for tag in item.tags
                if (not self.tags or tag in self.tags)
                and (not kept or inputs.categories.get(tag) == kept)
            }
        )
        queries = inputs.texts([self.prompt.replace("{}", tag) for tag in tags])
        carried = tag_matrix(inputs.items, tags)
        scores = cosines(inputs.vectors, queries)
        areas = tag_figures(scores, carried, seed=inputs.seed)
        relevant = [np.flatnonzero(carried[:, k]) for k in range(len(tags))]
        ranked = rank_vectors(queries, inputs.vectors, relevant, ties=self.ties)
        result = ranking_result(ranked, unit="tags", seed=inputs.seed)
        result.figures["roc_auc"], result.figures["pr_auc"] = areas.roc_macro, areas.pr_macro
        judged = ~np.isnan(areas.roc)
        result.chance["roc_auc"] = 0.5
        result.chance["pr_auc"] = float(areas.prevalence[judged].mean()) if judged.any() else np.nan
        kinds = sorted({inputs.categories.get(tag, "") for tag in tags} - {""})
        for kind in kinds if len(kinds) > 1 else []:
            chosen = np.array([inputs.categories.get(tag) == kind for tag in tags])
            roc, pr = areas.over(chosen)
            result.figures[f"roc_auc of {kind}"], result.figures[f"pr_auc of {kind}"] = roc, pr
        precision = average_precision(ranked)
        result.tables["tags"] = [
            {
                "tag": tag,
                "category": inputs.categories.get(tag, ""),
                "clips": int(carried[:, k].sum()),
                "roc_auc": _value(areas.roc[k]),
                "pr_auc": _value(areas.pr[k]),
                "average_precision": _value(precision[k]),
            }
            for k, tag in enumerate(tags)
        ]
        return result


@dataclass(frozen=True, kw_only=True)
class TagsToMusic(Protocol):
    """Several tags to music: the clips that carry all tags of the query are relevant.

    Attributes:
        count: Number of tags in a query.
        prompt: Text of the query, with ``{}`` for the tags, joined by commas.
        most: Maximum number of queries, drawn with the seed.
        ties: Rule for ties.

    Examples:
        >>> TagsToMusic(count=3).unmet_requirement([Item("1", tags=("jazz", "piano"))])
        'no clip has 3 tags'
    """

    kind: ClassVar[str] = "several tags -> music"

    name: str = "tags-to-music"
    count: int = 2
    prompt: str = "{}"
    most: int = 1000
    ties: Ties = "pessimistic"

    def unmet_requirement(self, items: Sequence[Item]) -> str:
        """Return what is missing: clips with enough tags."""
        enough = any(len(set(item.tags)) >= self.count for item in items)
        return "" if enough else f"no clip has {self.count} tags"

    def run(self, inputs: ProtocolInput) -> ProtocolResult:
        """Draw tags of each clip as a query; equal sets of tags are one query."""
        random = np.random.default_rng([inputs.seed, self.count])
        drawn: dict[tuple[str, ...], None] = {}
        for item in inputs.items:
            tags = sorted(set(item.tags))
            if len(tags) >= self.count:
                chosen = random.choice(len(tags), size=self.count, replace=False)
                drawn[tuple(tags[k] for k in sorted(chosen))] = None
        sets = list(drawn)
        if len(sets) > self.most:
            keep = np.sort(random.choice(len(sets), size=self.most, replace=False))
            sets = [sets[k] for k in keep]
        carriers: dict[str, set[int]] = {}
        for n, item in enumerate(inputs.items):
            for tag in item.tags:
                carriers.setdefault(tag, set()).add(n)
        relevant = [sorted(set.intersection(*(carriers[tag] for tag in tags))) for tags in sets]
        queries = inputs.texts([self.prompt.replace("{}", ", ".join(tags)) for tags in sets])
        ranked = rank_vectors(queries, inputs.vectors, relevant, ties=self.ties)
        return ranking_result(ranked, unit="queries", seed=inputs.seed)


@dataclass(frozen=True, kw_only=True)
class _Captions(Protocol):
    """Clips and their captions, in either direction.

    Attributes:
        captions: ``all`` captions of a clip, or its ``first``.
        prompt: Text of the query, with ``{}`` for the caption.
        ties: Rule for ties.
    """

    captions: Literal["all", "first"] = "all"
    prompt: str = "{}"
    ties: Ties = "pessimistic"

    def unmet_requirement(self, items: Sequence[Item]) -> str:
        """Return what is missing: captions."""
        return "" if any(item.captions for item in items) else "no clip has captions"


@dataclass(frozen=True, kw_only=True)
class SentenceToMusic(_Captions):
    """Sentence to music: each caption is a query; the clips that it was written for are relevant.

    A sentence of several clips is one query with several relevant clips.

    Examples:
        >>> SentenceToMusic().unmet_requirement([Item("1", tags=("jazz",))])
        'no clip has captions'
    """

    kind: ClassVar[str] = "sentence -> music"

    name: str = "sentence-to-music"

    def run(self, inputs: ProtocolInput) -> ProtocolResult:
        """Rank all clips for each sentence."""
        owners = _owners(inputs.items, self.captions)
        queries = inputs.texts([self.prompt.replace("{}", text) for text in owners])
        relevant = list(owners.values())
        ranked = rank_vectors(queries, inputs.vectors, relevant, ties=self.ties)
        return ranking_result(ranked, unit="queries", seed=inputs.seed)


@dataclass(frozen=True, kw_only=True)
class MusicToText(_Captions):
    """Music to text: each clip is a query among all captions; its own are relevant.

    Examples:
        >>> MusicToText(captions="first").unmet_requirement([Item("1", captions=("slow jazz",))])
        ''
    """

    kind: ClassVar[str] = "music -> text"

    name: str = "music-to-text"

    def run(self, inputs: ProtocolInput) -> ProtocolResult:
        """Rank all captions for each clip."""
        owners = _owners(inputs.items, self.captions)
        texts = inputs.texts([self.prompt.replace("{}", text) for text in owners])
        relevant: list[list[int]] = [[] for _ in inputs.items]
        for n, clips in enumerate(owners.values()):
            for clip in clips:
                relevant[clip].append(n)
        ranked = rank_vectors(inputs.vectors, texts, relevant, ties=self.ties)
        return ranking_result(ranked, unit="tracks", seed=inputs.seed)


@dataclass(frozen=True, kw_only=True)
class SameArtist(Protocol):
    """Same artist: each clip is a query among the others; those by the same artist are relevant.

    Attributes:
        ties: Rule for ties.

    Examples:
        >>> SameArtist().unmet_requirement([Item("1", artist="Ann"), Item("2", artist="Bob")])
        'no two clips are by the same artist'
    """

    kind: ClassVar[str] = "music -> music of the same artist"

    name: str = "same-artist"
    ties: Ties = "pessimistic"

    def unmet_requirement(self, items: Sequence[Item]) -> str:
        """Return what is missing: artists with two clips."""
        names = [item.artist_key for item in items if item.artist_key]
        return "" if len(set(names)) < len(names) else "no two clips are by the same artist"

    def run(self, inputs: ProtocolInput) -> ProtocolResult:
        """Rank all clips for each clip; artists with one clip are in the pool only."""
        by: dict[str, list[int]] = {}
        for n, item in enumerate(inputs.items):
            if item.artist_key:
                by.setdefault(item.artist_key, []).append(n)
        queries = [n for clips in by.values() if len(clips) > 1 for n in clips]
        relevant = [[n for n in by[inputs.items[q].artist_key] if n != q] for q in queries]
        ranked = rank_vectors(
            inputs.vectors[queries],
            inputs.vectors,
            relevant,
            exclude=queries,
            ties=self.ties,
        )
        return ranking_result(ranked, unit="tracks", seed=inputs.seed)


def _owners(items: Sequence[Item], which: str) -> dict[str, list[int]]:
    """Return each caption with the clips that it was written for."""
    owners: dict[str, list[int]] = {}
    for n, item in enumerate(items):
        for text in dict.fromkeys(item.captions[:1] if which == "first" else item.captions):
            owners.setdefault(text, []).append(n)
    return owners


def _value(number: np.floating) -> float | None:
    return round(float(number), 4) if np.isfinite(number) else None


__all__ = ["MusicToText", "SameArtist", "SentenceToMusic", "TagToMusic", "TagsToMusic"]
