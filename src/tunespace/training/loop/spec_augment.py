"""Augment log-mel spectrograms: gain, tilt, noise, shift and masks."""

import torch
from torch import Tensor

from tunespace.training.recipe import config

# Noise is drawn within this range in dB below the maximum, and tilted by as much.
_RANGE_DB, _TILT_DB = 20.0, 6.0


def augment_batch(log_mel: Tensor, settings: config.AugmentConfig, hidden_db: Tensor) -> Tensor:
    """Augment each clip independently, with torch's random generator.

    Args:
        log_mel: ``(batch, frames, n_mels)`` decibels.
        settings: Configuration of the augmentation.
        hidden_db: Value of masked positions, in dB.

    Returns:
        ``(batch, frames, n_mels)`` decibels.
    """
    batch, frames, n_mels = log_mel.shape
    changed = log_mel
    if settings.shift:
        moved = [
            _moved(clip, int(torch.randint(-settings.shift, settings.shift + 1, ())))
            for clip in changed
        ]
        changed = torch.stack(moved)
    if settings.gain_db:
        changed = changed + settings.gain_db * _drawn(batch, changed)
    if settings.noise_db:
        below = settings.noise_db + _RANGE_DB * torch.rand(batch, 1, 1, device=changed.device)
        tilt = torch.linspace(-1, 1, n_mels, device=changed.device) * _TILT_DB
        level = changed.mean((1, 2), keepdim=True) - below + tilt * _drawn(batch, changed)
        # Sounds add in power; noise in a band of a spectrogram is exponentially distributed.
        power = 10 ** (level / 10) * torch.empty_like(changed).exponential_()
        changed = 10 * torch.log10(10 ** (changed / 10) + power)
    for most, length, axis in (
        (settings.mask_bands, n_mels, 2),
        (settings.mask_frames, frames, 1),
    ):
        if most:
            changed = _hidden(changed, min(most, length - 1), axis, hidden_db)
    return changed


def _drawn(batch: int, like: Tensor) -> Tensor:
    return torch.randn(batch, 1, 1, device=like.device)


def _moved(clip: Tensor, bands: int) -> Tensor:
    """Shift bands; bands that become empty repeat the edge."""
    n_mels = clip.shape[1]
    places = (torch.arange(n_mels, device=clip.device) - bands).clamp(0, n_mels - 1)
    return clip[:, places]


def _hidden(log_mel: Tensor, most: int, axis: int, hidden_db: Tensor) -> Tensor:
    batch, length = log_mel.shape[0], log_mel.shape[axis]
    width = torch.randint(0, most + 1, (batch, 1), device=log_mel.device)
    first = (torch.rand(batch, 1, device=log_mel.device) * (length - width)).long()
    place = torch.arange(length, device=log_mel.device)
    hides = (place >= first) & (place < first + width)
    hides = hides[:, None, :] if axis == 2 else hides[:, :, None]
    return torch.where(hides, hidden_db.to(log_mel.dtype), log_mel)
