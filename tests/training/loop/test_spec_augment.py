import pytest
import torch

from tunespace.training.loop.spec_augment import augment_batch
from tunespace.training.recipe import config

CLIPS = torch.randn(5, 40, 16) * 5 - 30
HIDDEN = torch.tensor(-99.0)


def changed(**settings: float) -> torch.Tensor:
    torch.manual_seed(0)
    return augment_batch(CLIPS, config.AugmentConfig(**settings), HIDDEN)  # type: ignore[arg-type]


def test_without_settings_spectrograms_are_unchanged() -> None:
    assert torch.equal(changed(), CLIPS)


def test_gain_moves_a_clip_as_a_whole() -> None:
    moved = changed(gain_db=6.0) - CLIPS
    assert moved.std((1, 2)).max() < 1e-4
    assert moved.mean((1, 2)).std() > 1


def test_noise_raises_quiet_bands_most() -> None:
    added = changed(noise_db=10.0) - CLIPS
    assert added.min() > -1e-4
    assert added[CLIPS < -38].mean() > added[CLIPS > -25].mean()


def test_a_shift_moves_bands() -> None:
    moved = changed(shift=2)
    places = [
        [k for k in range(-2, 3) if torch.equal(clip[:, 4:12], old[:, 4 - k : 12 - k])]
        for clip, old in zip(moved, CLIPS, strict=True)
    ]
    assert all(len(k) == 1 for k in places)
    assert len({k[0] for k in places}) > 1


@pytest.mark.parametrize(("name", "axis", "most"), [("mask_bands", 2, 4), ("mask_frames", 1, 9)])
def test_masks_hide_neighbours(name: str, axis: int, most: int) -> None:
    hides = changed(**{name: most}) == HIDDEN
    for clip in hides:
        lines = clip.any(dim=2 - axis)
        assert torch.equal(clip, lines.unsqueeze(2 - axis).expand_as(clip))
        places = lines.nonzero().flatten()
        assert len(places) <= most
        assert not len(places) or int(places[-1] - places[0]) == len(places) - 1
