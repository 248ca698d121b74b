"""Embed clips, each once: embeddings are cached.

The key of an embedding is the model's identity, the file's path, size and modification time, and
the part of the file. Runs that are killed are resumed; several runs can use the same cache.
"""

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from tunespace.audio.archives import modification_stamp
from tunespace.errors import AudioError, DataError
from tunespace.evaluation.audio_view import Clip
from tunespace.models import JointModel
from tunespace.models.model import Vectors
from tunespace.models.onnx_towers import normalize_rows
from tunespace.models.worker_pool import WorkerCrash, run_jobs

_SECONDS_BETWEEN_COMMITS = 1.0
_SCHEMA = "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID"


def default_cache() -> Path:
    """Return the default cache file."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("tunespace")) / "embeddings.sqlite"


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
    with _open_cache(cache or default_cache()) as connection:
        keys = [_key(model.identity, clip) for clip in clips]
        places: dict[Clip, list[int]] = {}
        for n, (clip, key) in enumerate(zip(clips, keys, strict=True)):
            row = connection.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone()
            if row is not None:
                vectors[n] = np.frombuffer(row[0], np.float32)
            else:
                places.setdefault(clip, []).append(n)
        count = min(workers or os.cpu_count() or 1, len(places))
        task = f"{__name__}:embed_clip"
        written = time.monotonic()
        with closing(run_jobs(list(places), task, str(model.folder), count)) as answers:
            for done, (clip, answer) in enumerate(answers, start=1):
                for n in places[clip]:
                    if isinstance(answer, np.ndarray):
                        vectors[n] = answer
                    else:
                        failed[n] = answer.reason if isinstance(answer, WorkerCrash) else answer
                if isinstance(answer, np.ndarray):
                    kept = (keys[places[clip][0]], answer.tobytes())
                    connection.execute("INSERT OR REPLACE INTO vectors VALUES (?, ?)", kept)
                if time.monotonic() - written > _SECONDS_BETWEEN_COMMITS:
                    connection.commit()
                    written = time.monotonic()
                if on_progress is not None:
                    on_progress(done, len(places))
    return vectors, failed


def _key(identity: str, clip: Clip) -> bytes:
    try:
        file = modification_stamp(Path(clip.path))
    except OSError:
        file = (-1, -1)
    about: tuple[object, ...] = (
        identity, os.path.realpath(clip.path), *file, clip.start, clip.duration
    )  # fmt: skip
    if clip.pooling != "track":
        about += (clip.pooling,)
    return hashlib.blake2b(repr(about).encode("utf-8", "surrogateescape"), digest_size=16).digest()


@contextmanager
def _open_cache(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the cache; what was computed is committed even if the run is interrupted."""
    from filelock import FileLock

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # SQLite does not wait for another process that enables write-ahead logging as well.
        with FileLock(f"{path}.lock", timeout=30):
            connection = sqlite3.connect(path, timeout=60)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(_SCHEMA)
    except (OSError, sqlite3.Error) as error:
        raise DataError([f"the cache {path} cannot be used ({error})"]) from error
    try:
        yield connection
    finally:
        connection.commit()
        connection.close()
