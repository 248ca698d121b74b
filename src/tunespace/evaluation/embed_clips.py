"""Embed clips, each once: embeddings are cached.

Runs that are killed are resumed; several runs can use the same cache.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from tunespace.errors import AudioError
from tunespace.evaluation.audio_view import Clip
from tunespace.evaluation.embedding_cache import EmbeddingCache, cache_key, default_cache
from tunespace.models import JointModel
from tunespace.models.model import Vectors
from tunespace.models.onnx_towers import normalize_rows
from tunespace.models.worker_pool import WorkerCrash, run_jobs


def embed_clip(clip: Clip, model: JointModel) -> Vectors | str:
    """Return a clip's embedding, or why it has none; runs in a worker process."""
    if clip.duration == 0:
        return "has no sound after what is skipped"
    try:
        embedding = model.embed_file(clip.path, start=clip.start, duration=clip.duration)
        if clip.pooling == "track":
            return embedding.vector
        return normalize_rows(np.mean([window.vector for window in embedding.windows], axis=0))
    except AudioError as error:
        return error.reason
    except Exception as error:  # noqa: BLE001 - one file must not end the run
        return f"cannot be read ({type(error).__name__}: {error})"


def embed_clips(
    model: JointModel,
    clips: Sequence[Clip],
    *,
    cache: Path | None = None,
    workers: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Vectors, dict[int, str]]:
    """Embed clips in several processes.

    Args:
        model: Model.
        clips: Clips; may be repeated.
        cache: Embedding cache file, created if missing; None for the default.
        workers: Number of processes; None for one per core.
        on_progress: Called with the number of embedded clips and that of all clips.

    Returns:
        ``(clips, dim)`` float32, unit rows, and the reason for each clip that cannot be read, by
        index; rows of such clips are zero.

    Raises:
        DataError: The cache cannot be used.
    """
    vectors = np.zeros((len(clips), model.dim), np.float32)
    failed: dict[int, str] = {}
    with EmbeddingCache.open(cache or default_cache()) as embeddings:
        keys = [cache_key(model.identity, clip) for clip in clips]
        places: dict[Clip, list[int]] = {}
        for n, (clip, key) in enumerate(zip(clips, keys, strict=True)):
            cached = embeddings.get(key)
            if cached is not None:
                vectors[n] = cached
            else:
                places.setdefault(clip, []).append(n)
        count = min(workers or os.cpu_count() or 1, len(places))
        task = f"{__name__}:embed_clip"
        with closing(run_jobs(list(places), task, str(model.folder), count)) as answers:
            for done, (clip, answer) in enumerate(answers, start=1):
                for n in places[clip]:
                    if isinstance(answer, np.ndarray):
                        vectors[n] = answer
                    else:
                        failed[n] = answer.reason if isinstance(answer, WorkerCrash) else answer
                if isinstance(answer, np.ndarray):
                    embeddings.put(keys[places[clip][0]], answer)
                if on_progress is not None:
                    on_progress(done, len(places))
    return vectors, failed
