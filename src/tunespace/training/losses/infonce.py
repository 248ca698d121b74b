"""Symmetric InfoNCE: each clip picks its text out of the batch, and each text its clip.

van den Oord et al. 2018; for two modalities as in CLIP (Radford et al. 2021, figure 3).
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from tunespace.training import parts
from tunespace.training.losses.pairs import Pairs


class InfoNCE(nn.Module):
    """``1/2 [CE(k S, diagonal) + CE(k S^T, diagonal)]`` with ``k = 1 / temperature``."""

    def __init__(self, settings: parts.InfoNCE) -> None:
        """Starts at the temperature of the recipe."""
        super().__init__()
        self.settings = settings
        scale = torch.tensor(math.log(1 / settings.temperature))
        self.logit_scale = nn.Parameter(scale, requires_grad=settings.learnable)

    def forward(self, pairs: Pairs) -> Tensor:
        """The mean over pairs."""
        scale = self.logit_scale.clamp(max=math.log(self.settings.max_scale)).exp()
        logits = scale * pairs.cosines()
        if self.settings.mask_duplicates:
            logits = logits.masked_fill(pairs.same_text_elsewhere(), -torch.inf)
        wanted = torch.arange(len(logits), device=logits.device)
        one = functional.cross_entropy(logits, wanted)
        other = functional.cross_entropy(logits.T, wanted)
        return (one + other) / 2
