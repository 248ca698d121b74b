"""Splits into training, validation and test data."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from tunespace.data.manifest import Item
from tunespace.errors import TrainingError

Split = Literal["train", "validation", "test"]
NAMES: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "valid": "validation",
    "validation": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
}
# A tenth of the artists for validation, a tenth for the test.
_SHARES = ((0.1, "test"), (0.2, "validation"))


def with_splits(items: Sequence[Item], *, has_test: bool = True) -> tuple[tuple[Item, ...], bool]:
    """Return the clips with a split each: "train", "validation" or "test".

    If the manifest has no splits, artists are assigned at random: all clips of one artist (of one
    file if the artist is unknown) are in the same split, independent of all other artists.

    Args:
        items: The clips.
        has_test: Whether a part is drawn for the test; without it, that part is for validation.

    Returns:
        The clips, and whether the splits are those of the manifest.

    Raises:
        TrainingError: A split has another name, or there is no training data.
    """
    own = any(item.split for item in items)
    if not own:
        drawn = tuple(replace(item, split=_drawn(item)) for item in items)
        if not has_test:
            drawn = tuple(
                replace(item, split="validation") if item.split == "test" else item
                for item in drawn
            )
        return drawn, False
    for item in items:
        if item.split.lower() not in NAMES:
            raise TrainingError(
                f"line {item.line}: the split {item.split!r} is none of {', '.join(NAMES)}"
            )
    named = tuple(replace(item, split=NAMES[item.split.lower()]) for item in items)
    if not any(item.split == "validation" for item in named):
        # A run needs data to choose its best checkpoint by.
        named = tuple(
            replace(item, split="validation")
            if item.split == "train" and _drawn(item) == "validation"
            else item
            for item in named
        )
    return named, True


def artist_digest(item: Item) -> bytes:
    """Return a hash that is the same for all clips of an artist; of the file without an artist."""
    name = item.artist_key or item.track_id
    return hashlib.sha256(name.casefold().encode("utf-8", "surrogatepass")).digest()


def _drawn(item: Item) -> Split:
    place = int.from_bytes(artist_digest(item)[:8], "big") / 2**64
    for share, split in _SHARES:
        if place < share:
            return "test" if split == "test" else "validation"
    return "train"
