"""What an evaluation says: everything that is needed to read its numbers, or to make them again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tunespace import __version__
from tunespace.data.manifest import Manifest, missing_audio
from tunespace.errors import DataError
from tunespace.evaluation.audio_view import AudioView
from tunespace.evaluation.embed_clips import embed_clips
from tunespace.evaluation.leakage import Overlap
from tunespace.evaluation.metrics.bootstrap import DRAWS, LEVEL
from tunespace.evaluation.probes import PROMPTS, probe
from tunespace.evaluation.protocols import (
    Protocol,
    ProtocolInput,
    ProtocolResult,
    TextEmbedder,
    validate_protocols,
)
from tunespace.evaluation.published_results import Published, published_for
from tunespace.models import JointModel
from tunespace.models.model import Vectors

SCHEMA = 1
_LISTENING = "in the model's own windows; which part of a clip, and how, stands with each protocol"
_HEADLINES = ("recall@1", "recall@10", "hit_rate@10", "ndcg@200")


def is_headline(figure: str) -> bool:
    """Whether a figure is shown where there is no room for all: no more than a few at each cut."""
    return "@" not in figure or figure in _HEADLINES


@dataclass(frozen=True)
class Report:
    """What was found.

    Attributes:
        model: That was judged.
        data: On what.
        seed: Of everything that was drawn.
        protocols: Each with what it found.
        skipped: Protocols that the data do not allow, and why.
        failed: Clips that are left out since they could not be heard, and why.
        unknown_texts: Texts of which the model understands no word.
        probes: What is wrong with the space, whatever the task.
        leakage: Judged clips that the model learned from; None where that is not known.
        vectors: ``(clips, dim)``: of the clips that were heard, as the first protocol hears them.
        scored_data: Those clips.
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
        """The same for the same input: no dates, no paths."""
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
            "listening": _LISTENING,
            "seed": self.seed,
            "intervals": {"method": "percentile bootstrap", "draws": DRAWS, "level": LEVEL},
            "protocols": [
                {
                    "protocol": protocol.as_json(),
                    "figures": {
                        name: figure.as_json() | _chance(result, name)
                        for name, figure in result.figures.items()
                    },
                    "tables": result.tables,
                    "notes": result.notes,
                    "published": [asdict(found) for found in self.published(protocol)],
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
        """Numbers of others, made with the same data, split and protocol."""
        return published_for(self.data.data, self.data.split, protocol.name)


def _chance(result: ProtocolResult, name: str) -> dict[str, float]:
    chance = result.chance.get(name, np.nan)
    return {"chance": round(chance, 6)} if np.isfinite(chance) else {}


@dataclass(frozen=True)
class ClipEmbeddings:
    """What a model heard.

    Attributes:
        vectors: For each way of listening ``(clips, dim)``; rows of ``failed`` are zero.
        failed: Clips that could not be heard in one of these ways, and why.
    """

    vectors: dict[AudioView, Vectors]
    failed: dict[int, str]


def evaluate(
    model: JointModel,
    data: Manifest,
    protocols: Sequence[Protocol],
    *,
    leakage: Overlap | None = None,
    seed: int = 0,
    cache: Path | None = None,
    workers: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Judges a model.

    Args:
        model: That is judged.
        data: Clips and what is known about them.
        protocols: That are run; those that the data do not allow are left out, and the report
            says why.
        leakage: What ``overlap`` found, for the report.
        seed: Of everything that is drawn.
        cache: File of vectors that were computed before.
        workers: Processes that listen.
        on_progress: Called with how many clips are heard, and of how many.

    Raises:
        DataError: Files are missing, a protocol asks for tags that nobody carries, not one clip
            can be heard, or no protocol can be run.
        ModelError: The model cannot be used.
    """
    require_runnable(data, protocols)
    embeddings = embed_data(
        model, data, protocols, cache=cache, workers=workers, on_progress=on_progress
    )
    return score(model, data, protocols, embeddings, embeddings.failed, leakage=leakage, seed=seed)


def require_runnable(data: Manifest, protocols: Sequence[Protocol]) -> None:
    """Makes sure that there is something to judge, before any work is done.

    Raises:
        DataError: As ``evaluate``; names everything.
    """
    problems = missing_audio(data.items, data.name)
    problems += [f"{data.name}: {fault}" for fault in validate_protocols(protocols, data.items)]
    reasons = [(protocol, protocol.unmet_requirement(data.items)) for protocol in protocols]
    if not reasons:
        problems.append("no protocol was chosen")
    elif all(why for _, why in reasons):
        problems += [f"{data.name}: {p.name} cannot be run: {why}" for p, why in reasons]
    if problems:
        raise DataError(problems)


def embed_data(
    model: JointModel,
    data: Manifest,
    protocols: Sequence[Protocol],
    *,
    cache: Path | None = None,
    workers: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> ClipEmbeddings:
    """Listens to the clips in every way that the protocols ask for.

    Raises:
        DataError: Not one clip can be heard.
        ModelError: The model cannot be used.
    """
    ways = list(
        dict.fromkeys(p.audio_view for p in protocols if not p.unmet_requirement(data.items))
    )
    count = len(data.items)
    rows, missed = embed_clips(
        model,
        [way.clip(item) for way in ways for item in data.items],
        cache=cache,
        workers=workers,
        on_progress=on_progress,
    )
    failed: dict[int, str] = {}
    for n, reason in missed.items():
        failed.setdefault(n % count, reason)
    if len(failed) == count:
        first = failed[min(failed)]
        raise DataError([f"{data.name}: not one clip can be heard; the first one {first}"])
    return ClipEmbeddings(
        {way: rows[k * count : (k + 1) * count] for k, way in enumerate(ways)}, failed
    )


def score(
    model: JointModel,
    data: Manifest,
    protocols: Sequence[Protocol],
    embeddings: ClipEmbeddings,
    without: Mapping[int, str],
    *,
    leakage: Overlap | None = None,
    seed: int = 0,
) -> Report:
    """Judges what was heard; arguments as for ``evaluate``.

    Args:
        model: That is judged.
        data: Clips.
        protocols: That are run.
        scored_data: What ``hear`` gave.
        without: Clips that are left out, at least those that were not heard, and why.
        leakage: For the report.
        seed: Of everything that is drawn.
    """
    rows = [n for n in range(len(data.items)) if n not in without]
    items = [data.items[n] for n in rows]
    vectors = {way: found[rows] for way, found in embeddings.vectors.items()}
    texts = TextEmbedder(model)
    skipped: dict[str, str] = {}
    found: list[tuple[Protocol, ProtocolResult]] = []
    for protocol in protocols:
        # What it needs may be in clips that could not be heard.
        if why := protocol.unmet_requirement(items):
            skipped[protocol.name] = why
        else:
            music = vectors[protocol.audio_view]
            found.append(
                (protocol, protocol.run(ProtocolInput(items, music, texts, data.categories, seed)))
            )
    refused = dict(texts.unknown)  # of the protocols, not of the probes
    first = next(iter(vectors.values()))
    return Report(
        model,
        data,
        seed,
        found,
        skipped,
        {data.items[n].track_id: reason for n, reason in without.items()},
        refused,
        probe(model, first, [i.audio for i in items if i.audio], texts(PROMPTS), seed=seed),
        leakage,
        first,
        replace(data, items=tuple(items)),
    )
