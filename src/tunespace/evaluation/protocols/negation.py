"""Negation: whether "no vocals" retrieves music without vocals.

Most encoders read "no vocals" as "vocals", so a model that ignores negation is *below* chance here:
its "no vocals" ranks singers first. Source: the two tests of Vasilakis, Bittner and Pauwels 2026
(retrieval and binary), here for tags.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tunespace.data.manifest import Item
from tunespace.evaluation.metrics.bootstrap import figure
from tunespace.evaluation.metrics.classification import tag_figures
from tunespace.evaluation.protocols.base import (
    ProtocolInput,
    ProtocolResult,
    TagProtocol,
    cosines,
    tag_matrix,
)


@dataclass(frozen=True, kw_only=True)
class NegationPairs(TagProtocol):
    """For each tag its text and the negated text, over all clips.

    Attributes:
        affirmed: Text with ``{}`` for the tag.
        refused: Negated text with ``{}`` for the tag.

    Examples:
        >>> items = [Item("1", tags=("jazz",)), Item("2", tags=("metal",))]
        >>> NegationPairs(refused="not {}").unmet_requirement(items)
        ''
    """

    kind: ClassVar[str] = "negation"

    name: str = "negation"
    affirmed: str = "{}"
    refused: str = "no {}"

    def unmet_requirement(self, items: Sequence[Item]) -> str:
        """Return what is missing: tags that some clips carry and others do not."""
        return "" if self._tags(items, {}) else "no tag is carried by some clips and not by others"

    def run(self, inputs: ProtocolInput) -> ProtocolResult:
        """Return the AUC of the negated text, and how often the right text is nearer."""
        tags = self._tags(inputs.items, inputs.categories if self.category else {})
        if not tags:
            return ProtocolResult({}, notes={"tags": 0})
        carried = tag_matrix(inputs.items, tags)
        yes, no = (
            cosines(inputs.vectors, inputs.texts([text.replace("{}", tag) for tag in tags]))
            for text in (self.affirmed, self.refused)
        )
        areas = tag_figures(no, ~carried, seed=inputs.seed)
        nearer = (yes > no) + 0.5 * (yes == no)
        right = np.where(carried, nearer, 1 - nearer)
        # Clips with and without the tag weigh the same, so a constant answer scores .5.
        balanced = np.array(
            [
                (right[carried[:, k], k].mean() + right[~carried[:, k], k].mean()) / 2
                for k in range(len(tags))
            ]
        )
        return ProtocolResult(
            {
                "roc_auc of the refusing text": areas.roc_macro,
                "right of both texts": figure(balanced, unit="tags", seed=inputs.seed),
            },
            {"roc_auc of the refusing text": 0.5, "right of both texts": 0.5},
            {
                "tags": [
                    {
                        "tag": tag,
                        "clips": int(carried[:, k].sum()),
                        "roc_auc": round(float(areas.roc[k]), 4),
                        "right": round(float(balanced[k]), 4),
                    }
                    for k, tag in enumerate(tags)
                ]
            },
            {"tags": len(tags)},
        )

    def _tags(self, items: Sequence[Item], categories: Mapping[str, str]) -> list[str]:
        counts: dict[str, int] = {}
        for item in items:
            for tag in set(item.tags):
                counts[tag] = counts.get(tag, 0) + 1
        wanted = self.tags or tuple(sorted(counts))
        return [
            tag
            for tag in wanted
            if 0 < counts.get(tag, 0) < len(items)
            and (not categories or categories.get(tag) == self.category)
        ]
