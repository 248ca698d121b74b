"""Band statistics and a linear map: the baseline that every network should beat."""

import torch
from torch import Tensor, nn

from tunespace.training.recipe import config


class Linear(nn.Module):
    """Mean and deviation of each band and of its change between frames, then a linear map.

    Examples:
        >>> import torch
        >>> from tunespace.training.recipe import config
        >>> tower = Linear(config.LinearConfig(width=16), n_mels=16)
        >>> tower(torch.zeros(2, 64, 16)).shape
        torch.Size([2, 16])
    """

    def __init__(self, settings: config.LinearConfig, n_mels: int) -> None:
        """Build the map."""
        super().__init__()
        self.map = nn.Linear(4 * n_mels, settings.width)

    def forward(self, log_mel: Tensor) -> Tensor:
        """Map ``(batch, frames, n_mels)`` to ``(batch, width)``."""
        change = log_mel[:, 1:] - log_mel[:, :-1]
        statistics = [x for rows in (log_mel, change) for x in (rows.mean(1), rows.std(1))]
        output: Tensor = self.map(torch.cat(statistics, dim=1))
        return output
