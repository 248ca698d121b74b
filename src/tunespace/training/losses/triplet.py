"""Triplet loss: the positive must be closer to the anchor than a negative, by a margin.

Weinberger and Saul 2009; with the cosine as in Choi et al. 2019 (section 3.2), Won et al. 2021
(equation 1) and Doh et al. 2023.
"""

import torch
from torch import Tensor, nn

from tunespace.training.losses.batch_embeddings import BatchEmbeddings
from tunespace.training.losses.negative_sampling import sample_negatives
from tunespace.training.recipe import config


class Triplet(nn.Module):
    """Mean or sum of ``max(0, margin - cos(anchor, positive) + cos(anchor, negative))``.

    Examples:
        >>> import torch
        >>> from tunespace.training.recipe import config
        >>> rows, labels = torch.eye(4), torch.eye(4).bool()
        >>> batch = BatchEmbeddings(rows, rows, torch.arange(4), labels, labels)
        >>> loss = Triplet(config.TripletConfig(margin=0.4, negatives="random"))
        >>> round(loss(batch).item(), 4)
        0.0
    """

    def __init__(self, settings: config.TripletConfig) -> None:
        """Take margin, anchors and sampling of the recipe."""
        super().__init__()
        self.settings = settings

    def forward(self, batch: BatchEmbeddings) -> Tensor:
        """Return the hinge of all anchors with a negative, as a mean over directions."""
        cosines = batch.cosines()
        if self.settings.negatives == "hard":
            return self._hard_negative_hinge(batch, cosines.diagonal())
        positives = batch.positives()
        labels = batch.labels.float()
        count = labels.sum(1)
        differing = count[:, None] + count[None, :] - 2 * labels @ labels.T
        hinges = []
        if self.settings.anchor in ("text", "both"):
            hinges.append(self._hinge(cosines, positives, differing))
        if self.settings.anchor in ("audio", "both"):
            hinges.append(self._hinge(cosines.T, positives.T, differing))
        return torch.stack(hinges).mean()

    def _hard_negative_hinge(self, batch: BatchEmbeddings, positive: Tensor) -> Tensor:
        if batch.has_hard_negative is None:
            return 0 * positive.sum()  # no clip of the batch has a hard negative
        hinge = (self.settings.margin - positive + batch.hard_negative_cosines()).clamp_min(0)
        return self._reduce(hinge, batch.has_hard_negative)

    def _hinge(self, cosines: Tensor, positives: Tensor, differing: Tensor) -> Tensor:
        chosen, has_negative = sample_negatives(
            cosines.detach(), positives, differing, self.settings.negatives
        )
        negative = cosines.gather(1, chosen[:, None]).squeeze(1)
        hinge = (self.settings.margin - cosines.diagonal() + negative).clamp_min(0)
        return self._reduce(hinge, has_negative)

    def _reduce(self, hinge: Tensor, has_negative: Tensor) -> Tensor:
        total = (hinge * has_negative).sum()
        if self.settings.reduction == "sum":
            return total
        return total / has_negative.sum().clamp_min(1)
