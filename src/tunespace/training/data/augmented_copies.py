"""Augmented copies of clips: another pitch, or lossy coding.

They are made once, before training, and stored beside the clips: decoding and coding during
training would cost more than the training.
"""

import hashlib

import numpy as np
import numpy.typing as npt

from tunespace.data.manifest import Item
from tunespace.training.recipe import config

Change = tuple[float, int]
"""Shift in semitones, and bitrate of an MP3 in kbit/s; 0 for none."""

UNCHANGED: Change = (0.0, 0)
_MP3_BEST = 128


def draw_change(item: Item, copy: int, settings: config.AugmentConfig, seed: int) -> Change:
    """Draw the change of a copy, determined by the clip's id, the number of the copy and the seed.

    Args:
        item: Clip.
        copy: Number of the copy.
        settings: Configuration of the augmentation.
        seed: Random seed.
    """
    name = f"{seed} {copy} {item.track_id}".encode("utf-8", "surrogatepass")
    random = np.random.default_rng(list(hashlib.sha256(name).digest()))
    semitones = round(float(random.uniform(-settings.pitch, settings.pitch)), 2)
    best = max(_MP3_BEST, settings.mp3)
    # On a logarithmic scale, as people choose bitrates: half of it is one step down.
    kbits = 2 ** random.uniform(np.log2(settings.mp3), np.log2(best)) if settings.mp3 else 0
    return semitones, 8 * round(kbits / 8)


def apply_change(
    samples: npt.NDArray[np.float32], sample_rate: int, change: Change
) -> npt.NDArray[np.float32]:
    """Apply a change to a waveform: first the pitch shift, then the coding."""
    from tunespace.audio.perturb import mp3_round_trip, shift_pitch

    semitones, kbits = change
    if semitones:
        samples = shift_pitch(samples, sample_rate, semitones)
    return mp3_round_trip(samples, sample_rate, kbits) if kbits else samples
