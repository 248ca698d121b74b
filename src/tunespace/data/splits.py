"""Which clips are learned from, which choose the checkpoint, and which are looked at once."""

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


def with_splits(items: Sequence[Item]) -> tuple[tuple[Item, ...], bool]:
    """The clips with the split of each, as "train", "validation" or "test".

    Where the manifest says nothing, artists are distributed: all clips of one artist, or where the
    artist is unknown of one file, are in the same split, and it does not depend on the others.

    Returns:
        The clips, and whether the splits are the manifest's own.

    Raises:
        TrainingError: A split has another name, or there is nothing to learn from.
    """
    own = any(item.split for item in items)
    if not own:
        return tuple(replace(item, split=_drawn(item)) for item in items), False
    for item in items:
        if item.split.lower() not in NAMES:
            raise TrainingError(
                f"line {item.line}: the split {item.split!r} is none of {', '.join(NAMES)}"
            )
    named = tuple(replace(item, split=NAMES[item.split.lower()]) for item in items)
    if not any(item.split == "validation" for item in named):
        # A run needs something to choose its checkpoint by.
        named = tuple(
            replace(item, split="validation")
            if item.split == "train" and _drawn(item) == "validation"
            else item
            for item in named
        )
    return named, True


def _drawn(item: Item) -> Split:
    name = item.artist_key or item.track_id
    digest = hashlib.sha256(name.casefold().encode("utf-8", "surrogatepass")).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    for share, split in _SHARES:
        if place < share:
            return "test" if split == "test" else "validation"
    return "train"
