"""Evaluate a model: embed the clips, run the protocols, probe the space."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tunespace.data.manifest import Manifest, missing_audio
from tunespace.errors import DataError
from tunespace.evaluation.audio_view import AudioView
from tunespace.evaluation.embed_clips import embed_clips
from tunespace.evaluation.leakage import Overlap
from tunespace.evaluation.probes import PROMPTS, probe
from tunespace.evaluation.protocols import (
    Protocol,
    ProtocolInput,
    ProtocolResult,
    TextEmbedder,
    validate_protocols,
)
from tunespace.evaluation.report import Report
from tunespace.models import JointModel
from tunespace.models.model import Vectors


@dataclass(frozen=True)
class ClipEmbeddings:
    """Embeddings of the clips of a data set.

    Attributes:
        vectors: ``(clips, dim)`` for each audio view; rows of ``failed`` are zero.
        failed: Clips that could not be read in one of the views, by index, with reasons.
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
    """Evaluate a model.

    Args:
        model: Model to evaluate.
        data: Clips with their tags, captions and labels.
        protocols: Protocols to run; those that the data does not allow are skipped, and the report
            states why.
        leakage: Overlap with the training data, for the report.
        seed: Random seed.
        cache: Embedding cache file; None for the default.
        workers: Number of processes; None for one per core.
        on_progress: Called with the number of embedded clips and the number of all clips.

    Raises:
        DataError: Audio files are missing, a protocol names tags that no clip carries, no clip can
            be read, or no protocol can be run.
        ModelError: The model cannot be used.

    Examples:
        >>> from tunespace.evaluation import load_data
        >>> from tunespace.models import load_model
        >>> manifest, protocols = load_data("music.csv")
        >>> report = evaluate(load_model(), manifest, protocols, cache=None)
        >>> report.protocols[0][0].kind
        'tag -> music'
    """
    require_runnable(data, protocols)
    embeddings = embed_data(
        model, data, protocols, cache=cache, workers=workers, on_progress=on_progress
    )
    return score(model, data, protocols, embeddings, embeddings.failed, leakage=leakage, seed=seed)


def require_runnable(data: Manifest, protocols: Sequence[Protocol]) -> None:
    """Check that protocols can be run, before any work starts.

    Raises:
        DataError: As in ``evaluate``; the message names all problems.
    """
    problems = missing_audio(data.items, data.name)
    problems += [f"{data.name}: {text}" for text in validate_protocols(protocols, data.items)]
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
    """Embed the clips in every audio view that the protocols use.

    Raises:
        DataError: No clip can be read.
        ModelError: The model cannot be used.
    """
    views = list(
        dict.fromkeys(p.audio_view for p in protocols if not p.unmet_requirement(data.items))
    )
    count = len(data.items)
    rows, unread = embed_clips(
        model,
        [view.clip(item) for view in views for item in data.items],
        cache=cache,
        workers=workers,
        on_progress=on_progress,
    )
    failed: dict[int, str] = {}
    for n, reason in unread.items():
        failed.setdefault(n % count, reason)
    if len(failed) == count:
        first = failed[min(failed)]
        raise DataError([f"{data.name}: no clip can be read; the first one {first}"])
    vectors = {view: rows[n * count : (n + 1) * count] for n, view in enumerate(views)}
    return ClipEmbeddings(vectors, failed)


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
    """Run protocols on embeddings.

    Args:
        model: Model that made the embeddings.
        data: Clips.
        protocols: Protocols to run.
        embeddings: Result of ``embed_data``.
        without: Clips to leave out, by index, with reasons; includes those that could not be read.
        leakage: Overlap with the training data, for the report.
        seed: Random seed.
    """
    rows = [n for n in range(len(data.items)) if n not in without]
    items = [data.items[n] for n in rows]
    vectors = {view: every[rows] for view, every in embeddings.vectors.items()}
    texts = TextEmbedder(model)
    skipped: dict[str, str] = {}
    results: list[tuple[Protocol, ProtocolResult]] = []
    for protocol in protocols:
        # What a protocol requires may be in clips that could not be read.
        if why := protocol.unmet_requirement(items):
            skipped[protocol.name] = why
        else:
            music = vectors[protocol.audio_view]
            inputs = ProtocolInput(items, music, texts, data.categories, seed)
            results.append((protocol, protocol.run(inputs)))
    unknown_texts = dict(texts.unknown)  # those of the protocols, without those of the probes
    first = next(iter(vectors.values()))
    return Report(
        model,
        data,
        seed,
        results,
        skipped,
        {data.items[n].track_id: reason for n, reason in without.items()},
        unknown_texts,
        probe(model, first, [i.audio for i in items if i.audio], texts(PROMPTS), seed=seed),
        leakage,
        first,
        replace(data, items=tuple(items)),
    )
