"""All that a recipe says of a clip."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunespace.data.manifest import Item
from tunespace.training.captions.hard_negatives import Surroundings, mislead
from tunespace.training.captions.mined_templates import mine
from tunespace.training.captions.samplers import Said, say
from tunespace.training.recipe import config


@dataclass(frozen=True)
class Speaker:
    """Draws the texts of a clip.

    Attributes:
        texts: What is said.
        hard: What is wrongly said.
        around: What is said of all clips to learn from.
        ways: In which their captions are written, where the recipe asks for them.
    """

    texts: config.Texts
    hard: config.Hard
    around: Surroundings
    ways: tuple[str, ...] = ()

    @classmethod
    def of(cls, texts: config.Texts, hard: config.Hard, items: Sequence[Item]) -> "Speaker":
        """One who knows these clips."""
        ways = mine([c for item in items for c in item.captions]) if _mines(texts) else ()
        return cls(texts, hard, Surroundings.of(items), ways)

    def __call__(
        self, item: Item, random: np.random.Generator, *, tag: str = "", progress: float = 0.0
    ) -> list[Said]:
        """The texts of each view.

        Args:
            item: The clip.
            random: Source of what is drawn.
            tag: Where the clip was chosen for a tag, that is what is said.
            progress: Share of the epochs that are over.
        """
        if tag:
            said = [Said(tag, (tag,))]
        elif isinstance(self.texts, config.Views):
            said = [say(one, item, random, self.ways) for one in self.texts.of]
        else:
            said = [say(self.texts, item, random, self.ways)]
        return [mislead(self.hard, one, item, self.around, random, progress) for one in said]


def _mines(texts: config.Texts) -> bool:
    """Whether any part asks for the ways in which captions are written."""
    match texts:
        case config.TagsToCaption(ways=ways):
            return ways == "mined"
        case config.Pool(of=some) | config.Views(of=some):
            return any(map(_mines, some))
        case config.Mixture(of=mixed):
            return any(_mines(one.texts) for one in mixed)
        case _:
            return False
