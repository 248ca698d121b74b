"""What is done with a file in a worker process: hash it, read its tags, listen to it."""

import hashlib
from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from tunespace.errors import AudioError
from tunespace.library.store.sqlite import TrackEmbedding
from tunespace.library.tags import read_tags
from tunespace.models import Model
from tunespace.models.worker_pool import WorkerCrash, run_jobs


@dataclass(frozen=True)
class DecodeFailure:
    """Why a file could not be listened to, and the hash of what it holds."""

    content: bytes
    reason: str


Answer = tuple[str, TrackEmbedding | DecodeFailure]


def embed_files(paths: Iterable[str], model: str, workers: int) -> Generator[Answer, None, None]:
    """Listens to files in several processes.

    Args:
        paths: Of the files.
        model: Folder of the model.
        workers: Number of processes.

    Yields:
        Path and result, in the order in which they are done.
    """
    with closing(run_jobs(paths, f"{__name__}:embed_file", model, workers)) as answers:
        for path, answer in answers:
            crashed = isinstance(answer, WorkerCrash)
            yield path, DecodeFailure(content_hash(path), answer.reason) if crashed else answer


def embed_file(path: str, model: Model) -> TrackEmbedding | DecodeFailure:
    """All that the library stores about a file."""
    content = content_hash(path)
    try:
        heard = model.embed_file(path)
    except AudioError as error:
        return DecodeFailure(content, error.reason)
    except Exception as error:  # noqa: BLE001 - one file must not end the run
        return DecodeFailure(content, f"cannot be read ({type(error).__name__}: {error})")
    return TrackEmbedding(
        content=content,
        seconds=heard.seconds,
        vector=heard.vector,
        spans=np.array([(w.start, w.end) for w in heard.windows], np.float32),
        windows=np.stack([window.vector for window in heard.windows]),
        tags=read_tags(path),
    )


def content_hash(path: str) -> bytes:
    """Hash of a file's content; nothing where it may not be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "blake2b").digest()[:16]
    except OSError:
        return b""
