"""Frozen audio tower: its embeddings are read from the cache."""

from torch import Tensor, nn


class Frozen(nn.Module):
    """Returns the cached embedding of one window.

    Examples:
        >>> import torch
        >>> Frozen()(torch.zeros(2, 1, 159)).shape
        torch.Size([2, 159])
    """

    def forward(self, embeddings: Tensor) -> Tensor:
        """Map ``(batch, 1, width)`` to ``(batch, width)``."""
        return embeddings[:, 0]
