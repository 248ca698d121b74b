"""Audio views: which part of a clip is embedded, and how its windows are pooled.

Published results differ in both: the first ten seconds (LAION-CLAP), the mean over all windows
before (TTMR) or after normalisation, the whole recording. Every protocol states its view.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from tunespace.data.manifest import Item

Pooling = Literal["track", "windows"]


@dataclass(frozen=True)
class Clip:
    """File to embed, or a part of it.

    Attributes:
        path: Path of the file.
        start: Start in seconds.
        duration: Length in seconds; None for the rest of the file.
        pooling: Pooling of windows, as in ``AudioView``.
    """

    path: str
    start: float = 0.0
    duration: float | None = None
    pooling: Pooling = "track"


@dataclass(frozen=True, kw_only=True)
class AudioView:
    """Part of a clip that is embedded, and pooling of its windows.

    Attributes:
        skip: Seconds to leave out at the beginning of the clip.
        seconds: Seconds to embed after that; None for the rest of the clip.
        pooling: ``track`` for the embedding that the model itself gives a track; ``windows`` for
            the mean of the unit embeddings of its windows.

    Examples:
        >>> str(AudioView(seconds=10))
        "10 s, in the model's own windows, as the model makes one vector of a track"
    """

    skip: float = 0.0
    seconds: float | None = None
    pooling: Pooling = "track"

    def __post_init__(self) -> None:
        """Validate the values.

        Raises:
            ValueError: A time is negative or infinite, or the pooling is unknown.
        """
        if not 0 <= self.skip < float("inf"):
            raise ValueError(f"skip must be finite and not negative, not {self.skip}")
        if self.seconds is not None and not 0 < self.seconds < float("inf"):
            raise ValueError(f"seconds must be positive and finite, not {self.seconds}")
        if self.pooling not in ("track", "windows"):
            raise ValueError(f"unknown pooling: {self.pooling!r} (track, windows)")

    def clip(self, item: Item) -> Clip:
        """Return the part of an item to embed; a part shorter than ``skip`` has a duration of 0."""
        ends = [] if item.duration is None else [max(item.duration - self.skip, 0.0)]
        ends += [] if self.seconds is None else [self.seconds]
        duration = min(ends, default=None)
        return Clip(str(item.audio), item.start + self.skip, duration, self.pooling)

    def as_json(self) -> dict[str, Any]:
        """Return the view as a JSON object for reports."""
        return asdict(self)

    def __str__(self) -> str:
        """Return the view in words."""
        length = (
            f"{self.seconds:g} s" if self.seconds is not None
            else "the rest" if self.skip else "the whole clip"
        )  # fmt: skip
        after = f" after the first {self.skip:g} s" if self.skip else ""
        mean = {
            "track": "as the model makes one vector of a track",
            "windows": "as the mean of unit vectors of windows",
        }
        return f"{length}{after}, in the model's own windows, {mean[self.pooling]}"


WHOLE_CLIP = AudioView()
