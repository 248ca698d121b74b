"""Text samplers: each draws a training text of a clip.

A text comes with those tags of the clip that it names, so that a loss knows for which other clips
it is true as well.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunespace.data.manifest import Item
from tunespace.errors import TrainingError
from tunespace.training.captions.mined_templates import fill_template
from tunespace.training.captions.templates import write_caption
from tunespace.training.recipe import config

BETWEEN = ", "
_CLAUSES = re.compile(r"(?<=[.!?;,])\s+")


@dataclass(frozen=True)
class TrainingText:
    """Training text of a clip.

    Attributes:
        text: Text; never empty.
        labels: Tags of the clip that the text names.
        hard_negative: Similar text that is not true of the clip; empty for none.

    Examples:
        >>> TrainingText("jazz, piano", ("jazz", "piano")).labels
        ('jazz', 'piano')
    """

    text: str
    labels: tuple[str, ...] = ()
    hard_negative: str = ""


def unmet_requirement(settings: config.CaptionsConfig, item: Item) -> str:
    """Return why no text can be drawn for a clip; empty if one can.

    Examples:
        >>> unmet_requirement(config.CaptionConfig(), Item("1", tags=("jazz",)))
        'has no caption'
    """
    match settings:
        case config.CaptionConfig():
            return "" if item.captions else "has no caption"
        case config.MetadataConfig():
            return "" if item.title or item.artist else "has neither title nor artist"
        case config.SimilarArtistsConfig():
            return "" if item.similar_artists else "has no similar artists"
        case config.ArtistConfig():
            return "" if item.artist_key else "has no artist"
        case config.TrackConfig():
            return ""
        case config.PoolConfig(of=some):
            return (
                ""
                if any(not unmet_requirement(one, item) for one in some)
                else unmet_requirement(some[0], item)
            )
        case config.MixtureConfig(of=mixed):
            some = [one.captions for one in mixed]
            return (
                ""
                if any(not unmet_requirement(one, item) for one in some)
                else unmet_requirement(some[0], item)
            )
        case config.ViewsConfig(of=some):
            return next((why for one in some if (why := unmet_requirement(one, item))), "")
        case _:
            return "" if item.tags else "has no tag"


def sample_text(
    settings: config.CaptionsConfig,
    item: Item,
    random: np.random.Generator,
    templates: Sequence[str] = (),
) -> TrainingText:
    """Draw a text for a clip that meets the requirements.

    Args:
        settings: Configuration of the captions.
        item: Clip.
        random: Random generator.
        templates: Templates mined from the captions of the data.

    Raises:
        TrainingError: ``views`` is part of another sampler.

    Examples:
        >>> item = Item("1", tags=("jazz", "piano"))
        >>> sample_text(config.AllTagsConfig(), item, np.random.default_rng(0)).text
        'jazz, piano'
    """
    match settings:
        case config.OneTagConfig():
            tag = str(random.choice(item.tags))
            return TrainingText(tag, (tag,))
        case config.AllTagsConfig():
            return TrainingText(BETWEEN.join(item.tags), item.tags)
        case config.StochasticTagsConfig():
            some = _some_tags(item, random)
            return TrainingText(BETWEEN.join(some), some)
        case config.TemplateConfig(template=template, stochastic=stochastic):
            some = _some_tags(item, random) if stochastic else item.tags
            return TrainingText(template.replace("{tags}", BETWEEN.join(some)), some)
        case config.TagsToCaptionConfig(templates=kind):
            some = _some_tags(item, random)
            filled = fill_template(templates, some, random) if kind == "mined" else None
            if filled is not None:
                return TrainingText(*filled)
            return TrainingText(write_caption(some, random), some)
        case config.CaptionConfig(keep=keep):
            caption = item.captions[int(random.integers(len(item.captions)))]
            return TrainingText(_view(caption, keep, random))
        case config.MetadataConfig():
            return TrainingText(metadata(item))
        case config.SimilarArtistsConfig(max_names=max_names):
            count = int(random.integers(1, min(max_names, len(item.similar_artists)) + 1))
            names = random.permutation(item.similar_artists)[:count]
            return TrainingText(f"similar to {BETWEEN.join(map(str, names))}")
        case config.ArtistConfig():
            return TrainingText(token("artist", item.artist_key))
        case config.TrackConfig():
            return TrainingText(token("track", item.track_id))
        case config.PoolConfig(of=some_texts):
            there_are = [one for one in some_texts if not unmet_requirement(one, item)]
            return _pooled(there_are, item, random, templates)
        case config.MixtureConfig(of=mixed):
            there = [one for one in mixed if not unmet_requirement(one.captions, item)]
            weights = np.array([one.weight for one in there])
            chosen = int(random.choice(len(there), p=weights / weights.sum()))
            return sample_text(there[chosen].captions, item, random, templates)
        case config.ViewsConfig():
            raise TrainingError("captions.kind views cannot be part of another sampler")


def metadata(item: Item) -> str:
    """Return title, artist and album as a text (TTMR++, section 2.2)."""
    text = f"music track {item.title}" if item.title else "music"
    text += f" by {item.artist}" if item.artist else ""
    return text + (f" from {item.album}" if item.album else "")


def token(kind: str, name: str) -> str:
    """Return a name as one word of a vocabulary, such as ``artist:nina_simone``."""
    words = re.findall(r"\w+", name.casefold())
    return f"{kind}:{'_'.join(words)}"


def validation_text(item: Item) -> TrainingText:
    """Return the validation text of a clip: a caption, or all tags; the same for every recipe.

    Raises:
        TrainingError: The clip has neither.

    Examples:
        >>> validation_text(Item("1", tags=("jazz",), captions=("slow jazz",))).text
        'slow jazz'
    """
    if item.captions:
        return TrainingText(item.captions[0])
    if not item.tags:
        raise TrainingError(f"{item.track_id} has neither a caption nor a tag to validate with")
    return TrainingText(BETWEEN.join(item.tags), item.tags)


def _some_tags(item: Item, random: np.random.Generator) -> tuple[str, ...]:
    """Draw any number of its tags in random order (Doh et al. 2023, section 2.3)."""
    count = int(random.integers(1, len(item.tags) + 1))
    return tuple(item.tags[n] for n in random.permutation(len(item.tags))[:count])


def _view(caption: str, keep: float, random: np.random.Generator) -> str:
    if keep == 1:
        return caption
    clauses = _CLAUSES.split(caption)
    kept = random.random(len(clauses)) < keep
    kept[int(random.integers(len(clauses)))] = True
    left = [clause for clause, stays in zip(clauses, kept, strict=True) if stays]
    return " ".join(left).rstrip(",;")


def _pooled(
    some: list[config.CaptionsConfig],
    item: Item,
    random: np.random.Generator,
    templates: Sequence[str],
) -> TrainingText:
    """Draw any number of texts and join them in random order (TTMR++, section 2.2)."""
    count = int(random.integers(1, len(some) + 1))
    text = [
        sample_text(some[n], item, random, templates) for n in random.permutation(len(some))[:count]
    ]
    labels = tuple(dict.fromkeys(label for one in text for label in one.labels))
    # A text that contains more than tags is not true of all clips with these tags.
    known = labels if all(one.labels for one in text) else ()
    return TrainingText(". ".join(one.text for one in text), known)
