"""Caption sampler: draw the training texts of a clip, with hard negatives."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunespace.data.manifest import Item
from tunespace.training.captions.hard_negatives import NegativePool, add_hard_negative
from tunespace.training.captions.mined_templates import mine_templates
from tunespace.training.captions.samplers import TrainingText, sample_text
from tunespace.training.recipe import config


@dataclass(frozen=True)
class CaptionSampler:
    """Draws the texts of a clip.

    Attributes:
        captions: Configuration of the captions.
        hard_negatives: Configuration of the hard negatives.
        pool: Tags, artists and tracks of all training clips, to draw hard negatives from.
        templates: Caption templates mined from the training captions; empty if not configured.

    Examples:
        >>> items = [Item("1", tags=("jazz", "piano")), Item("2", tags=("metal",))]
        >>> sampler = CaptionSampler.build(config.AllTagsConfig(), config.SwapConfig(), items)
        >>> sampler.pool.tags
        ('jazz', 'metal', 'piano')
    """

    captions: config.CaptionsConfig
    hard_negatives: config.HardNegativesConfig
    pool: NegativePool
    templates: tuple[str, ...] = ()

    @classmethod
    def build(
        cls,
        captions: config.CaptionsConfig,
        hard_negatives: config.HardNegativesConfig,
        items: Sequence[Item],
    ) -> "CaptionSampler":
        """Build a sampler from the training clips."""
        templates: tuple[str, ...] = ()
        if _uses_mined_templates(captions):
            templates = mine_templates([c for item in items for c in item.captions])
        return cls(captions, hard_negatives, NegativePool.build(items), templates)

    def __call__(
        self, item: Item, random: np.random.Generator, *, tag: str = "", progress: float = 0.0
    ) -> list[TrainingText]:
        """Draw one text for each view of a clip.

        Args:
            item: Clip.
            random: Random generator.
            tag: Tag that the clip was sampled for; it becomes the text. Empty for none.
            progress: Fraction of the epochs that are over, 0 to 1.
        """
        if tag:
            texts = [TrainingText(tag, (tag,))]
        else:
            views = (
                self.captions.of
                if isinstance(self.captions, config.ViewsConfig)
                else [self.captions]
            )
            texts = [sample_text(view, item, random, self.templates) for view in views]
        return [
            add_hard_negative(self.hard_negatives, text, item, self.pool, random, progress)
            for text in texts
        ]


def _uses_mined_templates(captions: config.CaptionsConfig) -> bool:
    match captions:
        case config.TagsToCaptionConfig(templates=templates):
            return templates == "mined"
        case config.PoolConfig(of=parts) | config.ViewsConfig(of=parts):
            return any(map(_uses_mined_templates, parts))
        case config.MixtureConfig(of=weighted):
            return any(_uses_mined_templates(part.captions) for part in weighted)
        case _:
            return False
