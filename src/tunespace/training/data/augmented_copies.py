"""Changed copies of clips: the same music at another pitch, or after lossy coding.

They are made once, before training, and kept beside the clips: decoding and coding while a network
trains would cost more than the training.
"""

import hashlib

import numpy as np
import numpy.typing as npt

from tunespace.data.manifest import Item
from tunespace.training.recipe import config

Change = tuple[float, int]
"""Semitones up, and kilobits a second of an MP3; 0 for neither."""

UNCHANGED: Change = (0.0, 0)
_MP3_BEST = 128


def draw_change(item: Item, copy: int, settings: config.AugmentConfig, seed: int) -> Change:
    """What is done to a copy: drawn by the clip's name, the copy's number and the seed.

    Args:
        item: The clip.
        copy: Its number.
        settings: Of the recipe.
        seed: Of the recipe.
    """
    name = f"{seed} {copy} {item.track_id}".encode("utf-8", "surrogatepass")
    random = np.random.default_rng(list(hashlib.sha256(name).digest()))
    semitones = round(float(random.uniform(-settings.pitch, settings.pitch)), 2)
    best = max(_MP3_BEST, settings.mp3)
    # By steps, as people choose them: half as many bits is one step down.
    kbits = 2 ** random.uniform(np.log2(settings.mp3), np.log2(best)) if settings.mp3 else 0
    return semitones, 8 * round(kbits / 8)


def apply_change(
    samples: npt.NDArray[np.float32], sample_rate: int, change: Change
) -> npt.NDArray[np.float32]:
    """A waveform after it: first the pitch, then the coding."""
    from tunespace.audio.perturb import mp3_round_trip, shift_pitch

    semitones, kbits = change
    if semitones:
        samples = shift_pitch(samples, sample_rate, semitones)
    return mp3_round_trip(samples, sample_rate, kbits) if kbits else samples
