"""All that a recipe says of a clip."""

from dataclasses import dataclass

import numpy as np

from tunespace.evaluation.manifest import Item
from tunespace.training import parts
from tunespace.training.texts.hard import Surroundings, mislead
from tunespace.training.texts.saying import Said, say


@dataclass(frozen=True)
class Speaker:
    """Draws the texts of a clip.

    Attributes:
        texts: What is said.
        hard: What is wrongly said.
        around: What is said of all clips to learn from.
    """

    texts: parts.Texts
    hard: parts.Hard
    around: Surroundings

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
        elif isinstance(self.texts, parts.Views):
            said = [say(one, item, random) for one in self.texts.of]
        else:
            said = [say(self.texts, item, random)]
        return [mislead(self.hard, one, item, self.around, random, progress) for one in said]
