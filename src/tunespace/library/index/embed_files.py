"""Process files in worker processes: hash the content, read the tags, compute the embedding."""

import hashlib
from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from tunespace.errors import AudioError
from tunespace.library.store.records import TrackEmbedding
from tunespace.library.tags import read_tags
from tunespace.models import Model
from tunespace.models.worker_pool import WorkerCrash, run_jobs


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
    with closing(run_jobs(paths, f"{__name__}:embed_file", model, workers)) as results:
        for path, result in results:
            if isinstance(result, WorkerCrash):
                content = content_hash(path)
                yield path, DecodeFailure(content, result.reason, is_transient=not content)
            else:
                yield path, result


def embed_file(path: str, model: Model) -> TrackEmbedding | DecodeFailure:
    """Return everything that the store keeps about a file; runs in a worker process."""
    content = content_hash(path)
    try:
        embedding = model.embed_file(path)
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


def content_hash(path: str) -> bytes:
    """Return the hash of a file's content; empty if the file is not readable."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "blake2b").digest()[:16]
    except OSError:
        return b""
