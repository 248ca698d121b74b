"""Prepare the clips of a run: captions, held-out tags, spectrograms, augmented copies."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tunespace.data.manifest import Item
from tunespace.errors import TrainingError
from tunespace.evaluation.protocols.unseen import split_tags
from tunespace.models.registry import find_model
from tunespace.training.captions import unmet_requirement
from tunespace.training.data.augmented_copies import draw_change
from tunespace.training.data.batch_sampler import ClipSet
from tunespace.training.data.spectrogram_cache import SpectrogramCache, default_cache
from tunespace.training.recipe import config
from tunespace.training.recipe.recipe import Recipe

ProgressCallback = Callable[[int, int], None]


def usable_items(recipe: Recipe, items: Sequence[Item], rejected: list[str]) -> tuple[Item, ...]:
    """Return the clips that a recipe can use, without tags that are held out for the test.

    Args:
        recipe: Recipe.
        items: Clips with their splits.
        rejected: Receives a line for each clip that is left out.

    Raises:
        TrainingError: No clip can be used.
    """
    return tuple(_with_captions(recipe, _drop_test_tags(recipe, items), rejected))


def compute_spectrograms(
    recipe: Recipe,
    items: Sequence[Item],
    rejected: list[str],
    cache: Path | None,
    workers: int | None,
    on_progress: ProgressCallback | None,
) -> dict[str, ClipSet]:
    """Compute the spectrograms of all clips, and return the readable clips of each split.

    Args:
        recipe: Recipe.
        items: Clips with their splits.
        rejected: Receives a line for each clip whose audio cannot be read.
        cache: Folder of the spectrogram cache; None for the default.
        workers: Number of processes; None for one per core.
        on_progress: Called with the number of computed spectrograms and that of all.
    """
    front_end = (
        find_model(recipe.audio_tower.model)
        if isinstance(recipe.audio_tower, config.FrozenConfig)
        else recipe.front_end.log_mel()
    )
    spectrograms = SpectrogramCache(cache or default_cache(), front_end)
    failed = spectrograms.make(items, workers=workers, on_progress=on_progress)
    rejected += [f"line {items[n].line}: {why}" for n, why in sorted(failed.items())]
    readable = [item for n, item in enumerate(items) if n not in failed]
    clips: dict[str, ClipSet] = {}
    for split in ("train", "validation", "test"):
        own = tuple(item for item in readable if item.split == split)
        clips[split] = ClipSet(own, tuple(spectrograms.path_of(item) for item in own))
    if recipe.augment.copies:
        train = clips["train"]
        copies = _make_copies(recipe, train.items, spectrograms, workers, on_progress)
        clips["train"] = replace(train, copies=copies)
    return clips


def _drop_test_tags(recipe: Recipe, items: Sequence[Item]) -> Sequence[Item]:
    """Return the clips; those of train and validation without the tags held out for the test."""
    if recipe.train_tag_fraction == 1:
        return items
    seen = set(split_tags(items, share=recipe.train_tag_fraction).seen)
    return [
        item
        if item.split == "test"
        else replace(item, tags=tuple(tag for tag in item.tags if tag in seen))
        for item in items
    ]


def _with_captions(recipe: Recipe, items: Sequence[Item], rejected: list[str]) -> list[Item]:
    usable = []
    for item in items:
        why = unmet_requirement(recipe.captions, item)
        if not why and not (item.captions or item.tags):
            why = "has neither a caption nor a tag to validate with"
        if why:
            rejected.append(f"line {item.line}, {item.track_id}: {why}")
        else:
            usable.append(item)
    if not items:
        raise TrainingError("the manifest has no clips")
    if not usable:
        raise TrainingError(
            f"none of {len(items):,} clips can be used: captions.kind {recipe.captions.kind} needs "
            f"a text of each clip, but the first one {unmet_requirement(recipe.captions, items[0])}"
        )
    return usable


def _make_copies(
    recipe: Recipe,
    items: Sequence[Item],
    spectrograms: SpectrogramCache,
    workers: int | None,
    on_progress: ProgressCallback | None,
) -> tuple[tuple[Path, ...], ...]:
    """Return the spectrograms of augmented copies of each clip; failed copies are left out."""
    seed, count = recipe.schedule.seed, recipe.augment.copies
    every = [item for item in items for _ in range(count)]
    changes = [draw_change(item, n, recipe.augment, seed) for item in items for n in range(count)]
    failed = spectrograms.make(every, changes, workers=workers, on_progress=on_progress)
    paths = [spectrograms.path_of(*pair) for pair in zip(every, changes, strict=True)]
    return tuple(
        tuple(paths[k] for k in range(n * count, (n + 1) * count) if k not in failed)
        for n in range(len(items))
    )
