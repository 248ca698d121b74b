"""What is said about a clip: text samplers.

Each draws a text for a clip and says which of the clip's tags the text names, so that a loss knows
of which other clips the text is true as well.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tunespace.errors import TrainingError
from tunespace.evaluation.manifest import Item
from tunespace.training import parts

BETWEEN = ", "


@dataclass(frozen=True)
class Said:
    """A text about a clip.

    Attributes:
        text: Never empty.
        labels: Those of the clip's tags that it names.
    """

    text: str
    labels: tuple[str, ...] = ()


Sampler = Callable[[Item, np.random.Generator], Said]


def build_sampler(settings: parts.Texts) -> Sampler:
    """The sampler of a recipe: a clip and a source of randomness to a text."""
    match settings:
        case parts.OneTag():
            return one_tag
        case parts.AllTags():
            return all_tags
        case parts.StochasticTags():
            return stochastic_tags
        case parts.Captions():
            return one_caption


def missing(settings: parts.Texts, item: Item) -> str:
    """Why nothing can be said about a clip; empty where something can."""
    if isinstance(settings, parts.Captions):
        return "" if item.captions else "has no caption"
    return "" if item.tags else "has no tag"


def one_tag(item: Item, random: np.random.Generator) -> Said:
    """One of its tags, each alike."""
    tag = item.tags[int(random.integers(len(item.tags)))]
    return Said(tag, (tag,))


def all_tags(item: Item, _random: np.random.Generator) -> Said:
    """All of its tags, in their order."""
    return Said(BETWEEN.join(item.tags), item.tags)


def stochastic_tags(item: Item, random: np.random.Generator) -> Said:
    """Between one and all of its tags, in any order (Doh et al. 2023, section 2.3)."""
    count = int(random.integers(1, len(item.tags) + 1))
    chosen = tuple(item.tags[n] for n in random.permutation(len(item.tags))[:count])
    return Said(BETWEEN.join(chosen), chosen)


def one_caption(item: Item, random: np.random.Generator) -> Said:
    """One of its captions, each alike."""
    return Said(item.captions[int(random.integers(len(item.captions)))])


def query(item: Item) -> Said:
    """What validation asks for: a caption, or all tags; the same for every recipe and every time.

    Raises:
        TrainingError: The clip has neither.
    """
    if item.captions:
        return Said(item.captions[0])
    if not item.tags:
        raise TrainingError(f"{item.track_id} has neither a caption nor a tag")
    return Said(BETWEEN.join(item.tags), item.tags)


def corpus(items: "tuple[Item, ...]") -> list[str]:
    """Every text that can be said about the clips, each once, in their order."""
    found: dict[str, None] = {}
    for item in items:
        found.update(dict.fromkeys(item.captions))
        found.update(dict.fromkeys(item.tags))
    return list(found)
