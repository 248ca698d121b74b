"""Leakage: evaluated clips that are in a model's training data.

Clips are matched in three ways, since none detects everything: by ``track_id``; by normalised
artist and title; by audio fingerprint of the recording, which needs the audio of both.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tunespace.data.manifest import Item, Manifest
from tunespace.errors import AudioError
from tunespace.text.normalize import fold


@dataclass(frozen=True)
class Overlap:
    """Evaluated clips that are in the training data.

    Attributes:
        by_id: ``track_id`` of the clips with the id of a training clip.
        by_name: ``track_id`` of the clips with artist and title of a training clip.
        by_artist: Number of clips by an artist in the training data.
        by_fingerprint: ``track_id`` of the clips with the recording of a training clip; None if the
            audio was not compared.
        training: Number of training clips.

    Examples:
        >>> Overlap(("17",), (), 2, None, 1000).by_artist
        2
    """

    by_id: tuple[str, ...]
    by_name: tuple[str, ...]
    by_artist: int
    by_fingerprint: tuple[str, ...] | None
    training: int

    @property
    def clips(self) -> set[str]:
        """Ids of all clips in the training data."""
        return {*self.by_id, *self.by_name, *(self.by_fingerprint or ())}

    def describe(self, clips: int) -> str:
        """Return a sentence on the overlap.

        Args:
            clips: Number of evaluated clips.
        """
        same = self.by_fingerprint
        sound = "recordings not compared" if same is None else f"{len(same):,} by recording"
        return (
            f"{len(self.clips):,} of {clips:,} clips are in the training data "
            f"({len(self.by_id):,} by id, {len(self.by_name):,} by artist and title, "
            f"{sound}); {self.by_artist:,} are by an artist in it"
        )

    def as_json(self) -> dict[str, Any]:
        """Return the overlap as a JSON object for reports."""
        same = self.by_fingerprint
        return {
            "training_clips": self.training,
            "judged_clips_in_training": len(self.clips),
            "by_id": list(self.by_id),
            "by_artist_and_title": list(self.by_name),
            "by_an_artist_in_training": self.by_artist,
            "by_fingerprint": "not listened for" if same is None else list(same),
        }


def overlap(
    training: Manifest,
    evaluated: Manifest,
    *,
    compare_recordings: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Overlap:
    """Match evaluated clips against the training data.

    Args:
        training: Training data of the model.
        evaluated: Data that the model is evaluated on.
        compare_recordings: Whether to compare recordings by audio fingerprint, which decodes all
            files of both, at about 500 times real time.
        on_progress: Called with the number of decoded files and that of all files.

    Examples:
        >>> from tunespace.evaluation import load_manifest
        >>> same = overlap(load_manifest("music.csv"), load_manifest("music.csv"))
        >>> len(same.by_id)
        3
    """
    ids = {item.track_id for item in training.items}
    names = {name for item in training.items if (name := _name(item))}
    artists = {fold(item.artist_key) for item in training.items if item.artist_key}
    same = (
        _same_recordings(training.items, evaluated.items, on_progress)
        if compare_recordings
        else None
    )
    return Overlap(
        by_id=tuple(item.track_id for item in evaluated.items if item.track_id in ids),
        by_name=tuple(item.track_id for item in evaluated.items if _name(item) in names),
        by_artist=sum(
            bool(item.artist_key) and fold(item.artist_key) in artists for item in evaluated.items
        ),
        by_fingerprint=same,
        training=len(training.items),
    )


def _name(item: Item) -> tuple[str, str] | None:
    artist, title = fold(item.artist), fold(item.title)
    return (artist, title) if artist and title else None


def _same_recordings(
    training: Sequence[Item],
    evaluated: Sequence[Item],
    on_progress: Callable[[int, int], None] | None,
) -> tuple[str, ...]:
    from tunespace.audio import decode
    from tunespace.evaluation.fingerprint import RATE, Bits, FingerprintIndex, fingerprint

    total = len(training) + len(evaluated)
    prints: dict[str, Bits] = {}
    for n, item in enumerate(training, start=1):
        try:
            if item.audio is not None:
                samples = decode(item.audio, RATE, start=item.start, duration=item.duration)
                prints[item.track_id] = fingerprint(samples)
        except AudioError:
            pass  # an unreadable file is no training data
        if on_progress is not None:
            on_progress(n, total)
    recordings = FingerprintIndex(prints)
    matches = []
    for n, item in enumerate(evaluated, start=len(training) + 1):
        try:
            if item.audio is not None:
                samples = decode(item.audio, RATE, start=item.start, duration=item.duration)
                if recordings.find(samples) is not None:
                    matches.append(item.track_id)
        except AudioError:
            pass
        if on_progress is not None:
            on_progress(n, total)
    return tuple(matches)
