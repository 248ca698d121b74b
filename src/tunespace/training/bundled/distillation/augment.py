"""Augmentation of excerpts that keeps their meaning: level and spectral tilt.

Decibels, ``(batch, frames, n_mels)`` float32.
"""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Strength of the augmentation; the defaults are those of the bundled model.

    Attributes:
        gain_db: Standard deviation of the gain of a clip. The student normalises the level; the
            effect that remains is that of clipping in the front end.
        tilt_db: Standard deviation of a spectral tilt, at the lowest and the highest band.
    """

    gain_db: float = 8.0
    tilt_db: float = 1.5

    def __call__(
        self, log_mel: torch.Tensor, random: torch.Generator, *, range_db: tuple[float, float]
    ) -> torch.Tensor:
        """Augment a batch.

        Args:
            log_mel: ``(batch, frames, n_mels)`` decibels.
            random: Random generator.
            range_db: Range that the front end clips to.
        """
        batch, _, n_mels = log_mel.shape
        gain = self.gain_db * torch.randn(batch, 1, 1, generator=random)
        tilt = self.tilt_db * torch.randn(batch, 1, 1, generator=random)
        changed = log_mel + gain + tilt * torch.linspace(-1, 1, n_mels)
        return changed.clamp(*range_db)
