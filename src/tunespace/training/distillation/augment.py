"""What makes a little music enough: the same segment never sounds the same twice.

All functions take and return decibels, ``(batch, frames, n_mels)`` float32.
"""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How far a segment may be changed; the values of the bundled model.

    Attributes:
        gain_db: Standard deviation of a clip's gain. Recordings differ in loudness by as much.
        tilt_db: Standard deviation of a spectral tilt, at the lowest and the highest band.
        masked_bands: Neighbouring mel bands that are hidden (SpecAugment, Park et al. 2019).
        masked_share: Share of the batches in which they are.
        mixup: Both parameters of the Beta distribution that mixes two clips (Zhang et al. 2018),
            in the power domain, where sounds add.
    """

    gain_db: float = 6.0
    tilt_db: float = 3.0
    masked_bands: int = 8
    masked_share: float = 0.5
    mixup: float = 0.3

    def __call__(
        self,
        log_mel: torch.Tensor,
        targets: torch.Tensor,
        random: torch.Generator,
        *,
        range_db: tuple[float, float],
        hidden_db: float,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Changes a batch.

        Args:
            log_mel: ``(batch, frames, n_mels)`` decibels.
            targets: ``(batch, outputs)``.
            random: Source of all randomness.
            range_db: What the front end clips to.
            hidden_db: What a hidden band holds.

        Returns:
            Changed decibels and, where clips were mixed, mixed targets.
        """
        batch, _, n_mels = log_mel.shape
        gain = self.gain_db * torch.randn(batch, 1, 1, generator=random)
        tilt = self.tilt_db * torch.randn(batch, 1, 1, generator=random)
        changed = log_mel + gain + tilt * torch.linspace(-1, 1, n_mels)
        changed, targets = self._mixed(changed, targets, random)
        changed = changed.clamp(*range_db)
        if torch.rand((), generator=random) < self.masked_share:
            first = int(torch.randint(n_mels - self.masked_bands + 1, (), generator=random))
            changed[:, :, first : first + self.masked_bands] = hidden_db
        return changed, targets

    def _mixed(
        self, log_mel: torch.Tensor, targets: torch.Tensor, random: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        batch = len(log_mel)
        other = torch.randperm(batch, generator=random)
        share = _beta(self.mixup, batch, random)
        share = torch.maximum(share, 1 - share)  # the larger share first: it names the clip
        weight = share[:, None, None]
        power = torch.pow(10.0, log_mel / 10)
        power = weight * power + (1 - weight) * power[other]
        targets = share[:, None] * targets + (1 - share[:, None]) * targets[other]
        return 10 * torch.log10(power.clamp_min(1e-12)), targets


def _beta(parameter: float, size: int, random: torch.Generator) -> torch.Tensor:
    """Beta(parameter, parameter) by Joehnk's method, since torch's own takes no generator."""
    found = torch.empty(0)
    while found.numel() < size:
        x = torch.rand(4 * size, generator=random).pow(1 / parameter)
        y = torch.rand(4 * size, generator=random).pow(1 / parameter)
        kept = (x + y <= 1) & (x + y > 0)
        found = torch.cat([found, (x / (x + y))[kept]])
    return found[:size]
