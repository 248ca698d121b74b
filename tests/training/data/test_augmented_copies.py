from pathlib import Path

import numpy as np
import pytest

from tiny_music import SMALL, manifest
from tunespace.data.manifest import Item, load_manifest
from tunespace.errors import TrainingError
from tunespace.training.data.augmented_copies import UNCHANGED, apply_change, draw_change
from tunespace.training.data.spectrogram_cache import SpectrogramCache
from tunespace.training.loop.train import train
from tunespace.training.recipe import config
from tunespace.training.recipe.recipe import load_recipe


def test_a_copy_is_deterministic_and_within_the_limits() -> None:
    settings = config.AugmentConfig(copies=2, pitch=2.0, mp3=32)
    drawn = {
        (name, n): draw_change(Item(name), n, settings, 0) for name in "abcdefgh" for n in (0, 1)
    }
    assert len(set(drawn.values())) > 12
    assert all(abs(semitones) <= 2 and 32 <= kbits <= 128 for semitones, kbits in drawn.values())
    assert draw_change(Item("a"), 0, settings, 0) == drawn["a", 0]
    assert draw_change(Item("a"), 0, settings, 1) != drawn["a", 0]
    assert draw_change(Item("a"), 0, config.AugmentConfig(copies=1, pitch=1.0), 0)[1] == 0
    assert draw_change(Item("a"), 0, config.AugmentConfig(copies=1, mp3=64), 0)[0] == 0


def test_pitch_moves_the_spectrogram_of_a_copy(tmp_path: Path) -> None:
    items = load_manifest(manifest(tmp_path)).items
    tone = next(item for item in items if "middle" in item.tags)
    kept = SpectrogramCache(tmp_path / "cache", load_recipe("ttmr2023").front_end.log_mel())
    assert kept.make([tone, tone], [UNCHANGED, (12.0, 0)], workers=1) == {}
    before, after = (
        np.load(kept.path_of(tone, change)).astype(np.float32)[20:40].mean(0).argmax()
        for change in (UNCHANGED, (12.0, 0))
    )
    assert after > before


def test_without_augmentation_nothing_changes() -> None:
    wave = np.ones(1000, np.float32)
    assert apply_change(wave, 16_000, UNCHANGED) is wave


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (["augment.copies=1"], "copies needs pitch or mp3, and these need copies"),
        (["augment.pitch=1.0"], "copies needs pitch or mp3, and these need copies"),
        (["augment.copies=1", "augment.mp3=4"], "mp3 must be 0 or at least 16"),
        (["augment.copies=1", "augment.pitch=20.0"], "pitch"),
    ],
)
def test_invalid_augmentation_is_refused(changes: list[str], why: str) -> None:
    with pytest.raises(TrainingError, match=why):
        load_recipe("ttmr2023", changes=changes)


def test_a_run_trains_on_the_copies(tmp_path: Path) -> None:
    music = manifest(tmp_path / "music")
    changes = [*SMALL, "schedule.epochs=1", "augment={copies: 2, pitch: 2.0, mp3: 32}"]
    recipe = load_recipe("ttmr2023", changes=changes)
    trained = train(recipe, music, tmp_path / "run", cache=tmp_path / "cache", log=lambda _: None)
    assert trained.model.exists()
    # 18 clips, of which 12 are learned from and have two copies each.
    assert len(list((tmp_path / "cache").rglob("*.npy"))) == 18 + 2 * 12
