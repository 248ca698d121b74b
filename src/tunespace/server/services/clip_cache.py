"""Clips that were sent: the point of each is kept for a while, its sound is not."""

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from tunespace.errors import QueryError
from tunespace.server.services.clip_encoder import Heard

SECONDS = 3600.0
_MOST = 1000


@dataclass(frozen=True)
class _Kept:
    heard: Heard
    until: float


class Clips:
    """What was heard, by ids that cannot be guessed."""

    def __init__(self, seconds: float = SECONDS) -> None:
        """Takes for how long a clip is kept."""
        self._seconds = seconds
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, heard: Heard) -> str:
        """Keeps a clip; gives its id."""
        id_ = secrets.token_urlsafe(12)
        now = time.monotonic()
        with self._lock:
            while self._kept and (
                len(self._kept) >= _MOST or next(iter(self._kept.values())).until < now
            ):
                self._kept.popitem(last=False)
            self._kept[id_] = _Kept(heard, now + self._seconds)
        return id_

    def get(self, id_: str) -> Heard:
        """A clip.

        Raises:
            QueryError: There is none of this id, or it was too long ago.
        """
        with self._lock:
            found = self._kept.get(id_)
        if found is None or found.until < time.monotonic():
            raise QueryError("the clip is not known any more: send it again")
        return found.heard
