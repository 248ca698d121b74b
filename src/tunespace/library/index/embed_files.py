"""Process files in worker processes: hash the content, read the tags, compute the embedding."""

import hashlib
import os
from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tunespace.audio.archives import modification_stamp
from tunespace.errors import AudioError
from tunespace.library.store.records import TrackEmbedding
from tunespace.library.tags import Tags, read_tags
from tunespace.models import Model
from tunespace.models.job_limits import JobLimits
from tunespace.models.worker_pool import WorkerCrash, run_jobs

# Reading takes .5 s of one core for a megabyte of MP3 and 5 s on a small computer; the largest file
# tried, 2 GB, needs less than 200 MB of memory beyond the model.
_CPU_SECONDS = 30.0
_CPU_SECONDS_PER_MB = 60.0
_MEMORY = 2**30
_MEMORY_PER_BYTE = 16


@dataclass(frozen=True)
class DecodeFailure:
    """File that could not be embedded.

    Attributes:
        content: Hash of the file's content.
        reason: Why the file could not be read.
        is_transient: Whether the content is not the cause: the file is tried again in the next run.
    """

    content: bytes
    reason: str
    is_transient: bool = False


FileResult = tuple[str, TrackEmbedding | DecodeFailure]


def embed_files(
    paths: Iterable[str], model: str, workers: int
) -> Generator[FileResult, None, None]:
    """Embed files in several processes.

    Args:
        paths: Paths of the files.
        model: Folder of the model.
        workers: Number of processes.

    Yields:
        Path and result of each file, in the order of completion.
    """
    task = f"{__name__}:embed_file"
    with closing(run_jobs(paths, task, model, workers, limits=limits_of_file)) as results:
        for path, result in results:
            if isinstance(result, WorkerCrash):
                content = content_hash(path)
                is_transient = result.is_transient or not content
                yield path, DecodeFailure(content, result.reason, is_transient=is_transient)
            else:
                yield path, result


def embed_file(path: str, model: Model) -> TrackEmbedding | DecodeFailure:
    """Return everything that the store keeps about a file; runs in a worker process."""
    content = content_hash(path)
    try:
        before = modification_stamp(Path(path))
        embedding = model.embed_file(path)
        if modification_stamp(Path(path)) != before:
            return DecodeFailure(content, "changed while it was read", is_transient=True)
    except MemoryError:
        return DecodeFailure(content, "needs too much memory for its size")
    except AudioError as error:
        return DecodeFailure(content, error.reason, is_transient=error.is_transient or not content)
    except Exception as error:  # noqa: BLE001 - one file must not end the run
        reason = f"cannot be read ({type(error).__name__}: {error})"
        return DecodeFailure(content, reason, is_transient=isinstance(error, OSError))
    return TrackEmbedding(
        content=content,
        seconds=embedding.seconds,
        vector=embedding.vector,
        spans=np.array([(w.start, w.end) for w in embedding.windows], np.float32),
        windows=np.stack([window.vector for window in embedding.windows]),
        tags=read_tags(path),
    )


def read_file_tags(paths: Iterable[str], workers: int) -> Generator[tuple[str, Tags], None, None]:
    """Read the tags of files in several processes; files that cannot be read are left out."""
    task = f"{__name__}:_read_tags"
    with closing(run_jobs(paths, task, "", workers, limits=limits_of_file)) as results:
        for path, tags in results:
            if isinstance(tags, Tags):
                yield path, tags


def _read_tags(path: str, _model: object) -> Tags | None:
    return read_tags(path) if os.path.isfile(path) else None


def limits_of_file(path: str) -> JobLimits:
    """Return the limits of memory and computing time to read a file: they grow with its size."""
    try:
        size = os.stat(path).st_size
    except OSError:
        size = 0
    return JobLimits(
        _CPU_SECONDS + _CPU_SECONDS_PER_MB * size / 2**20,
        _MEMORY + min(_MEMORY, _MEMORY_PER_BYTE * size),
    )


def content_hash(path: str) -> bytes:
    """Return the hash of a file's content; empty if the file is not readable."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "blake2b").digest()[:16]
    except OSError:
        return b""
