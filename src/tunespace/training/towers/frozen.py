"""A tower that heard before: its vectors come from the disk."""

from torch import Tensor, nn


class Frozen(nn.Module):
    """Hands on what a model folder heard in one window."""

    def forward(self, heard: Tensor) -> Tensor:
        """Maps ``(batch, 1, width)`` to ``(batch, width)``."""
        return heard[:, 0]
