"""Sample negatives within a batch."""

from typing import Literal

import torch
from torch import Tensor


def sample_negatives(
    cosines: Tensor,
    positives: Tensor,
    differing: Tensor,
    how: Literal["random", "weighted", "weighted-by-labels", "hard"],
) -> tuple[Tensor, Tensor]:
    """Sample one negative for each anchor.

    Args:
        cosines: ``(anchors, candidates)``.
        positives: ``(anchors, candidates)`` bool, candidates that are no negatives.
        differing: ``(anchors, candidates)`` number of labels that only one of both carries.
        how: "random", uniformly; "weighted", in proportion to ``(cosine + 1) / 2`` (Won et al.
            2021, section 3.3); "weighted-by-labels", that divided by the number of differing labels
            (Doh et al. 2023).

    Returns:
        ``(anchors,)`` int64, the candidate of each, and ``(anchors,)`` bool, whether there is one.
    """
    weights = torch.ones_like(cosines) if how == "random" else (cosines + 1) / 2
    if how == "weighted-by-labels":
        weights = weights / differing.clamp_min(1)
    # A candidate in the opposite direction keeps a chance if there is no other.
    weights = weights.clamp_min(1e-6).masked_fill(positives, 0)
    has_negative = weights.sum(1) > 0
    weights[~has_negative] = 1  # any candidate: the result is ignored
    return torch.multinomial(weights, 1).squeeze(1), has_negative
