"""What a worker process does with a file: hash it, read its tags, listen to it.

Paths come in and results go out as pickles. It ends when its input does, hence also when its
parent is killed.
"""

import hashlib
import os
import pickle
import sys
from dataclasses import dataclass

import numpy as np

from tunespace.errors import AudioError
from tunespace.library.store import Embedded
from tunespace.library.tags import read_tags
from tunespace.models import Model, load_model


@dataclass(frozen=True)
class Unheard:
    """Why a file could not be listened to, and the hash of what it holds."""

    content: bytes
    reason: str


def listen(path: str, model: Model) -> Embedded | Unheard:
    """All that the library stores about a file."""
    content = hash_of(path)
    try:
        heard = model.listen(path)
    except AudioError as error:
        return Unheard(content, error.reason)
    return Embedded(
        content=content,
        seconds=heard.seconds,
        vector=heard.vector,
        spans=np.array([(w.start, w.end) for w in heard.windows], np.float32),
        windows=np.stack([window.vector for window in heard.windows]),
        tags=read_tags(path),
    )


def hash_of(path: str) -> bytes:
    """Hash of a file's content; nothing where it may not be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "blake2b").digest()[:16]
    except OSError:
        return b""


def serve(folder: str) -> None:
    """Listens to what it is told until there is no more; the whole life of a worker process."""
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr  # nothing but answers may go there
    model = load_model(folder)
    _ = model.audio_tower
    while True:
        try:
            path = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the parent alone
        except EOFError:
            return
        try:
            answer: Embedded | Unheard = listen(path, model)
        except Exception as error:  # noqa: BLE001 - one file must not end the run
            answer = Unheard(hash_of(path), f"cannot be read ({type(error).__name__}: {error})")
        try:
            pickle.dump(answer, answers)
            answers.flush()
        except BrokenPipeError:
            os._exit(0)  # the parent is gone; a traceback would only disturb its terminal
