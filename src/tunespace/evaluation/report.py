"""What an evaluation says: everything that is needed to read its numbers, or to make them again."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tunespace import __version__
from tunespace.errors import DataError
from tunespace.evaluation.bootstrap import DRAWS, LEVEL
from tunespace.evaluation.embedding import Clip, embed_clips
from tunespace.evaluation.leakage import Overlap
from tunespace.evaluation.manifest import Manifest, require_audio
from tunespace.evaluation.probes import PROMPTS, probe
from tunespace.evaluation.protocols import Material, Outcome, Protocol, Texts
from tunespace.evaluation.published import Published, beside
from tunespace.models import JointModel
from tunespace.models.model import Vectors

SCHEMA = 1
LISTENING = "the whole clip, in the model's own windows; its vector is the mean over windows"


@dataclass(frozen=True)
class Report:
    """What was found.

    Attributes:
        model: That was judged.
        data: On what.
        seed: Of everything that was drawn.
        protocols: Each with what it found.
        left_out: Protocols that the data do not allow, and why.
        failed: Clips that could not be heard, and why.
        refused: Texts of which the model understands no word.
        probes: What is wrong with the space, whatever the task.
        leakage: Judged clips that the model learned from; None where that is not known.
        vectors: ``(clips, dim)``: of the clips that were heard.
        heard: Those clips.
    """

    model: JointModel
    data: Manifest
    seed: int
    protocols: list[tuple[Protocol, Outcome]]
    left_out: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    probes: dict[str, Any] = field(default_factory=dict)
    leakage: Overlap | None = None
    vectors: Vectors = field(default_factory=lambda: np.empty((0, 0), np.float32), repr=False)
    heard: Manifest | None = field(default=None, repr=False)

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
            "listening": LISTENING,
            "seed": self.seed,
            "intervals": {"method": "percentile bootstrap", "draws": DRAWS, "level": LEVEL},
            "protocols": [
                {
                    "protocol": protocol.described(),
                    "figures": {
                        name: figure.as_json() | _chance(outcome, name)
                        for name, figure in outcome.figures.items()
                    },
                    "tables": outcome.tables,
                    "notes": outcome.notes,
                    "published": [asdict(found) for found in self.published(protocol)],
                }
                for protocol, outcome in self.protocols
            ],
            "probes": self.probes,
            "leakage": "the training data was not given"
            if self.leakage is None
            else self.leakage.as_json(),
            "left_out": self.left_out,
            "refused_texts": self.refused,
        }

    def published(self, protocol: Protocol) -> list[Published]:
        """Numbers of others, made with the same data, split and protocol."""
        return beside(self.data.data, self.data.split, protocol.name)


def _chance(outcome: Outcome, name: str) -> dict[str, float]:
    chance = outcome.chance.get(name, np.nan)
    return {"chance": round(chance, 6)} if np.isfinite(chance) else {}


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
        DataError: Files are missing, not one clip can be heard, or no protocol can be run.
        ModelError: The model cannot be used.
    """
    require_audio(data)
    left_out = {p.name: why for p in protocols if (why := p.missing(data.items))}
    kept = [protocol for protocol in protocols if protocol.name not in left_out]
    if not kept:
        reasons = [f"{data.name}: {name} cannot be run: {why}" for name, why in left_out.items()]
        raise DataError(reasons or ["no protocol was chosen"])
    clips = [Clip(str(item.audio), item.start, item.duration) for item in data.items]
    vectors, failed = embed_clips(
        model, clips, cache=cache, workers=workers, on_progress=on_progress
    )
    rows = [n for n in range(len(clips)) if n not in failed]
    if not rows:
        first = failed[0]
        raise DataError([f"{data.name}: not one clip can be heard; the first one {first}"])
    heard = [data.items[n] for n in rows]
    texts = Texts(model)
    material = Material(heard, vectors[rows], texts, data.categories, seed)
    found: list[tuple[Protocol, Outcome]] = []
    for protocol in kept:
        if why := protocol.missing(heard):  # what it needs could not be heard
            left_out[protocol.name] = why
        else:
            found.append((protocol, protocol.run(material)))
    refused = dict(texts.refused)  # of the protocols, not of the probes
    return Report(
        model,
        data,
        seed,
        found,
        left_out,
        {data.items[n].track_id: reason for n, reason in failed.items()},
        refused,
        probe(
            model,
            material.vectors,
            [item.audio for item in heard if item.audio],
            texts(PROMPTS),
            seed=seed,
        ),
        leakage,
        material.vectors,
        replace(data, items=tuple(heard)),
    )
