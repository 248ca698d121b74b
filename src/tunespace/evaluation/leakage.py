"""What a model has heard before: judged clips that are in what it learned from.

Three ways, since none finds everything: the same ``track_id``; the same artist and title, however
they are written; the same recording by fingerprint, which needs the audio of both.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tunespace.data.manifest import Item, Manifest
from tunespace.errors import AudioError
from tunespace.text.normalize import fold


@dataclass(frozen=True)
class Overlap:
    """Judged clips that are in the training data.

    Attributes:
        by_id: Their ``track_id``.
        by_name: Those with artist and title of a training track.
        by_artist: How many are by an artist in the training data.
        by_fingerprint: Those that are the same recording; None where nobody listened.
        training: Number of training clips.
    """

    by_id: tuple[str, ...]
    by_name: tuple[str, ...]
    by_artist: int
    by_fingerprint: tuple[str, ...] | None
    training: int

    @property
    def clips(self) -> set[str]:
        """All of them, each once."""
        return {*self.by_id, *self.by_name, *(self.by_fingerprint or ())}

    def describe(self, clips: int) -> str:
        """In a sentence; ``clips`` is how many are judged."""
        heard = self.by_fingerprint
        sound = "recordings not compared" if heard is None else f"{len(heard):,} by recording"
        return (
            f"{len(self.clips):,} of {clips:,} clips are in the training data "
            f"({len(self.by_id):,} by id, {len(self.by_name):,} by artist and title, "
            f"{sound}); {self.by_artist:,} are by an artist in it"
        )

    def as_json(self) -> dict[str, Any]:
        """For reports."""
        heard = self.by_fingerprint
        return {
            "training_clips": self.training,
            "judged_clips_in_training": len(self.clips),
            "by_id": list(self.by_id),
            "by_artist_and_title": list(self.by_name),
            "by_an_artist_in_training": self.by_artist,
            "by_fingerprint": "not listened for" if heard is None else list(heard),
        }


def overlap(
    training: Manifest,
    judged: Manifest,
    *,
    listen: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Overlap:
    """Looks for judged clips in the training data.

    Args:
        training: What the model learned from.
        judged: What it is judged on.
        listen: Whether to compare recordings: reads all audio of both, about 500 times as fast as
            it plays.
        on_progress: Called with how many files are read, and of how many.
    """
    ids = {item.track_id for item in training.items}
    names = {name for item in training.items if (name := _name(item))}
    artists = {fold(item.artist_key) for item in training.items if item.artist_key}
    same = _same_recordings(training.items, judged.items, on_progress) if listen else None
    return Overlap(
        by_id=tuple(item.track_id for item in judged.items if item.track_id in ids),
        by_name=tuple(item.track_id for item in judged.items if _name(item) in names),
        by_artist=sum(
            bool(item.artist_key) and fold(item.artist_key) in artists for item in judged.items
        ),
        by_fingerprint=same,
        training=len(training.items),
    )


def _name(item: Item) -> tuple[str, str] | None:
    artist, title = fold(item.artist), fold(item.title)
    return (artist, title) if artist and title else None


def _same_recordings(
    training: Sequence[Item],
    judged: Sequence[Item],
    on_progress: Callable[[int, int], None] | None,
) -> tuple[str, ...]:
    from tunespace.audio import decode
    from tunespace.evaluation.fingerprint import RATE, Bits, FingerprintIndex, fingerprint

    total = len(training) + len(judged)
    prints: dict[str, Bits] = {}
    for n, item in enumerate(training, start=1):
        try:
            if item.audio is not None:
                samples = decode(item.audio, RATE, start=item.start, duration=item.duration)
                prints[item.track_id] = fingerprint(samples)
        except AudioError:
            pass  # what cannot be read was not learned from
        if on_progress is not None:
            on_progress(n, total)
    recordings = FingerprintIndex(prints)
    found = []
    for n, item in enumerate(judged, start=len(training) + 1):
        try:
            if item.audio is not None:
                samples = decode(item.audio, RATE, start=item.start, duration=item.duration)
                if recordings.find(samples) is not None:
                    found.append(item.track_id)
        except AudioError:
            pass
        if on_progress is not None:
            on_progress(n, total)
    return tuple(found)
