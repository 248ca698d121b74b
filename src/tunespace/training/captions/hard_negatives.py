"""Hard negatives: texts that are almost true of a clip, but are not."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tunespace.data.manifest import Item
from tunespace.training.captions.samplers import BETWEEN, TrainingText, token
from tunespace.training.recipe import config

_TRIES = 20
_NEGATION_TEMPLATES = ("no {x}", "without {x}", "not {x}")


@dataclass(frozen=True)
class NegativePool:
    """Texts of all training clips, to draw hard negatives from.

    Attributes:
        tags: Tags, sorted.
        artists: Names of artists.
        tracks: ``track_id`` of each clip.

    Examples:
        >>> NegativePool.build([Item("1", tags=("piano", "jazz")), Item("2", tags=("metal",))]).tags
        ('jazz', 'metal', 'piano')
    """

    tags: tuple[str, ...]
    artists: tuple[str, ...]
    tracks: tuple[str, ...]

    @classmethod
    def build(cls, items: Sequence[Item]) -> "NegativePool":
        """Collect the texts of the training clips."""
        return cls(
            tuple(sorted({tag for item in items for tag in item.tags})),
            tuple(sorted({item.artist_key for item in items if item.artist_key})),
            tuple(item.track_id for item in items),
        )

    @cached_property
    def any_tag(self) -> re.Pattern[str]:
        """Pattern that matches any tag in a sentence, the longest first."""
        longest = sorted(self.tags, key=len, reverse=True)
        return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest))})\b", re.IGNORECASE)


def add_hard_negative(
    settings: config.HardNegativesConfig,
    text: TrainingText,
    item: Item,
    pool: NegativePool,
    random: np.random.Generator,
    progress: float,
) -> TrainingText:
    """Return a text with a hard negative that is not true of the clip, if one can be drawn.

    Args:
        settings: Configuration of the hard negatives.
        text: Training text of the clip.
        item: Clip.
        pool: Texts of all training clips.
        random: Random generator.
        progress: Fraction of the epochs that are over, 0 to 1.

    Examples:
        >>> items = [Item("1", tags=("jazz",)), Item("2", tags=("metal",))]
        >>> text = TrainingText("jazz", ("jazz",))
        >>> random = np.random.default_rng(0)
        >>> pool = NegativePool.build(items)
        >>> settings = config.SwapConfig(from_epoch=0)
        >>> add_hard_negative(settings, text, items[0], pool, random, 0.5).hard_negative
        'metal'
    """
    match settings:
        case config.NoHardNegativesConfig():
            return text
        case config.OtherTextConfig():
            return replace(text, hard_negative=_other_text(text, item, pool, random))
        case config.SwapConfig(from_epoch=begin):
            return (
                text
                if progress < begin
                else replace(text, hard_negative=_swap_tag(text, item, pool, random))
            )
        case config.NegationConfig(share=share):
            return _negate_tag(text, item, pool, random, share)


def _absent_tag(item: Item, pool: NegativePool, random: np.random.Generator) -> str:
    """Return a tag that the clip does not carry; empty if none is drawn."""
    if not pool.tags:
        return ""
    drawn = (pool.tags[int(random.integers(len(pool.tags)))] for _ in range(_TRIES))
    return next((tag for tag in drawn if tag not in item.tags), "")


def _other_text(
    text: TrainingText, item: Item, pool: NegativePool, random: np.random.Generator
) -> str:
    """Return a random text of the same kind (Choi et al. 2019, section 3.2)."""
    kind, mark, _ = text.text.partition(":")
    if not mark or kind not in ("artist", "track"):
        return _absent_tag(item, pool, random)
    names = pool.artists if kind == "artist" else pool.tracks
    own = item.artist_key if kind == "artist" else item.track_id
    drawn = (names[int(random.integers(len(names)))] for _ in range(_TRIES))
    return next((token(kind, name) for name in drawn if name != own), "")


def _swap_tag(
    text: TrainingText, item: Item, pool: NegativePool, random: np.random.Generator
) -> str:
    named = _tags_in(text, pool)
    absent = _absent_tag(item, pool, random)
    if not named or not absent:
        return ""
    old = named[int(random.integers(len(named)))]
    return re.sub(rf"\b{re.escape(old)}\b", lambda _: absent, text.text, count=1)


def _negate_tag(
    text: TrainingText, item: Item, pool: NegativePool, random: np.random.Generator, share: float
) -> TrainingText:
    named, written = _tags_in(text, pool), text.text
    way = _NEGATION_TEMPLATES[int(random.integers(len(_NEGATION_TEMPLATES)))]
    absent = _absent_tag(item, pool, random)
    if absent and random.random() < share:
        written = f"{written}{BETWEEN}{way.replace('{x}', absent)}"
    if not named:
        return replace(text, text=written)
    old = named[int(random.integers(len(named)))]
    wrong = re.sub(rf"\b{re.escape(old)}\b", lambda _: way.replace("{x}", old), written, count=1)
    return replace(text, text=written, hard_negative=wrong)


def _tags_in(text: TrainingText, pool: NegativePool) -> tuple[str, ...]:
    """Return the tags in a text."""
    if text.labels or not pool.tags:
        return text.labels
    return tuple(dict.fromkeys(pool.any_tag.findall(text.text)))
