"""Unseen tags: tags that were held out of training (Choi et al. 2019, section 4).

Tags are split into seen (X, four fifths) and unseen (Y); tracks into A (only X tags), B (both) and
C (only Y tags). A model is trained on the X tags of A or B and evaluated on other tracks and tags:
on Y alone, or on X and Y together, where seen tags compete with unseen ones.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tunespace.data.manifest import Item
from tunespace.evaluation.metrics.bootstrap import figure
from tunespace.evaluation.metrics.classification import pr_auc, roc_auc, tag_figures
from tunespace.evaluation.protocols.base import (
    Protocol,
    ProtocolInput,
    ProtocolResult,
    cosines,
    tag_matrix,
)


@dataclass(frozen=True)
class TagSplit:
    """Split of tags, and the groups of tracks that follow from it.

    Attributes:
        seen: Seen tags (X).
        unseen: Unseen tags (Y).
        group: ``A``, ``B`` or ``C`` of each track; empty for a track without tags.

    Examples:
        >>> TagSplit(seen=("jazz",), unseen=("metal",), group=("A", "C")).group
        ('A', 'C')
    """

    seen: tuple[str, ...]
    unseen: tuple[str, ...]
    group: tuple[str, ...]


def split_tags(items: Sequence[Item], *, share: float = 0.8, seed: int = 0) -> TagSplit:
    """Split tags at random: each by its name and the seed, independent of all other tags.

    A tag that is unseen in training is therefore unseen in any part of the data.

    Args:
        items: Tracks.
        share: Fraction of seen tags.
        seed: Random seed.

    Examples:
        >>> items = [Item("1", tags=("jazz", "piano")), Item("2", tags=("metal",))]
        >>> split_tags(items, share=0.5).group
        ('B', 'A')
    """
    tags = sorted({tag for item in items for tag in item.tags})
    seen = {tag for tag in tags if _place(tag, seed) < share}
    groups = []
    for item in items:
        known = sum(tag in seen for tag in item.tags)
        new = len(item.tags) - known
        groups.append("B" if known and new else "A" if known else "C" if new else "")
    unseen = tuple(tag for tag in tags if tag not in seen)
    return TagSplit(tuple(sorted(seen)), unseen, tuple(groups))


def _place(tag: str, seed: int) -> float:
    """Return a pseudo-random number from 0 to 1 for a tag."""
    digest = hashlib.sha256(f"{seed} {tag}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


@dataclass(frozen=True, kw_only=True)
class UnseenTags(Protocol):
    """Annotation (tags of a track) and retrieval (tracks of a tag) on unseen tags.

    Attributes:
        tracks: Groups that are evaluated, such as ``BC``.
        among: ``Y``, or ``XY`` if seen tags compete.
        share: Fraction of seen tags.
        split_seed: Random seed of the split that the model was trained with.
        prompt: Text of the query, with ``{}`` for the tag.

    Examples:
        >>> UnseenTags(tracks="C", among="Y").unmet_requirement([Item("1", tags=("jazz",))])
        'no tracks of C with two tags of Y'
    """

    kind: ClassVar[str] = "unseen tags"

    name: str = "unseen-tags"
    tracks: str = "BC"
    among: str = "Y"
    share: float = 0.8
    split_seed: int = 0
    prompt: str = "{}"

    def unmet_requirement(self, items: Sequence[Item]) -> str:
        """Return what is missing: tracks, and at least two tags."""
        split = split_tags(items, share=self.share, seed=self.split_seed)
        if len(self._tags(split)) < 2 or not set(self.tracks) & set(split.group):
            return f"no tracks of {self.tracks} with two tags of {self.among}"
        return ""

    def run(self, inputs: ProtocolInput) -> ProtocolResult:
        """Return AUC and average precision over tags and over tracks."""
        split = split_tags(inputs.items, share=self.share, seed=self.split_seed)
        tags = self._tags(split)
        rows = [n for n, group in enumerate(split.group) if group and group in self.tracks]
        texts = inputs.texts([self.prompt.replace("{}", tag) for tag in tags])
        scores = cosines(inputs.vectors[rows], texts)
        carried = tag_matrix([inputs.items[n] for n in rows], tags)
        by_tag = tag_figures(scores, carried, seed=inputs.seed)
        annotation = {
            "roc_auc of tracks": np.array(
                [roc_auc(s, c) for s, c in zip(scores, carried, strict=True)]
            ),
            "average precision of tracks": np.array(
                [pr_auc(s, c) for s, c in zip(scores, carried, strict=True)]
            ),
        }
        figures = {
            name: figure(values, unit="tracks", seed=inputs.seed)
            for name, values in annotation.items()
        }
        figures |= {
            "roc_auc of tags": by_tag.roc_macro,
            "average precision of tags": by_tag.pr_macro,
        }
        return ProtocolResult(
            figures,
            {"roc_auc of tracks": 0.5, "roc_auc of tags": 0.5},
            {},
            {
                "tracks": len(rows),
                "tags": len(tags),
                "seen": len(split.seen),
                "unseen": len(split.unseen),
            },
        )

    def _tags(self, split: TagSplit) -> list[str]:
        return [*(split.seen if "X" in self.among else ()), *split.unseen]
