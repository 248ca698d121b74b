"""Which part of a clip is heard, and how its windows become one vector.

Published numbers differ in both: the first ten seconds (LAION-CLAP), the mean over all windows
before (TTMR) or after they are brought to unit length, the whole recording. A protocol says which.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from tunespace.data.manifest import Item

Pooling = Literal["track", "windows"]


@dataclass(frozen=True)
class Clip:
    """What to listen to: a file, or a stretch of it in seconds.

    Attributes:
        path: Of the file.
        start: Of the stretch.
        duration: Of the stretch; to the end without it.
        pooling: As in ``AudioView``.
    """

    path: str
    start: float = 0.0
    duration: float | None = None
    pooling: Pooling = "track"


@dataclass(frozen=True, kw_only=True)
class AudioView:
    """How a clip is heard.

    Attributes:
        skip: Seconds at the beginning of the clip that are left out.
        seconds: That are heard after them; to the end without it.
        pooling: ``track`` is the vector that the model itself gives a track; ``windows`` the mean
            of its windows' vectors, each of unit length before.
    """

    skip: float = 0.0
    seconds: float | None = None
    pooling: Pooling = "track"

    def __post_init__(self) -> None:
        """Checks.

        Raises:
            ValueError: A time is not possible, or there is no such pooling.
        """
        if not 0 <= self.skip < float("inf"):
            raise ValueError(f"{self.skip} s cannot be skipped")
        if self.seconds is not None and not 0 < self.seconds < float("inf"):
            raise ValueError(f"{self.seconds} s cannot be heard")
        if self.pooling not in ("track", "windows"):
            raise ValueError(f"there is no pooling {self.pooling!r}")

    def clip(self, item: Item) -> Clip:
        """What is heard of an item; a stretch that is shorter than what is skipped has no sound."""
        ends = [] if item.duration is None else [max(item.duration - self.skip, 0.0)]
        ends += [] if self.seconds is None else [self.seconds]
        duration = min(ends, default=None)
        return Clip(str(item.audio), item.start + self.skip, duration, self.pooling)

    def as_json(self) -> dict[str, Any]:
        """For reports."""
        return asdict(self)

    def __str__(self) -> str:
        """In words."""
        heard = (
            f"{self.seconds:g} s" if self.seconds is not None
            else "the rest" if self.skip else "the whole clip"
        )  # fmt: skip
        after = f" after the first {self.skip:g} s" if self.skip else ""
        mean = {
            "track": "as the model makes one vector of a track",
            "windows": "as the mean of unit vectors of windows",
        }
        return f"{heard}{after}, in the model's own windows, {mean[self.pooling]}"


WHOLE_CLIP = AudioView()
