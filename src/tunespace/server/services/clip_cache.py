"""Cache of uploaded clips: embeddings are kept for a while, the audio is not."""

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from tunespace.errors import QueryError
from tunespace.server.services.clip_encoder import ClipEmbedding

SECONDS = 3600.0
_MAX_CLIPS = 1000


@dataclass(frozen=True)
class _Entry:
    embedding: ClipEmbedding
    expires: float


class ClipCache:
    """Embeddings of uploaded clips, by ids that cannot be guessed."""

    def __init__(self, seconds: float = SECONDS) -> None:
        """Take the time that a clip is kept, in seconds."""
        self._seconds = seconds
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, embedding: ClipEmbedding) -> str:
        """Add a clip and return its id."""
        id_ = secrets.token_urlsafe(12)
        now = time.monotonic()
        with self._lock:
            while self._entries and (
                len(self._entries) >= _MAX_CLIPS or next(iter(self._entries.values())).expires < now
            ):
                self._entries.popitem(last=False)
            self._entries[id_] = _Entry(embedding, now + self._seconds)
        return id_

    def get(self, id_: str) -> ClipEmbedding:
        """Return a clip.

        Raises:
            QueryError: The id is unknown or has expired.
        """
        with self._lock:
            entry = self._entries.get(id_)
        if entry is None or entry.expires < time.monotonic():
            raise QueryError("the clip has expired: upload it again")
        return entry.embedding
