import numpy as np
import pytest

from tunespace.data.manifest import Item
from tunespace.training.captions import CaptionSampler
from tunespace.training.captions.mined_templates import fill_template, mine_templates
from tunespace.training.recipe import config

WAY = "{mood} {genre} played on {instrument}, slowly"


def test_words_of_a_kind_become_placeholders() -> None:
    found = mine_templates(
        ["Sad jazz played on piano, slowly", "joyful folk played on banjo, slowly"]
    )
    assert found == (WAY,)


@pytest.mark.parametrize(
    "caption",
    [
        "nothing that is known here",
        "a caption with {braces} and piano",
        "piano, banjo, violin, flute, guitar, cello",  # a list, not a way of writing
        "piano " * 50,
    ],
)
def test_captions_without_a_template_are_left_out(caption: str) -> None:
    assert mine_templates([caption]) == ()


def test_places_are_filled_with_the_tags_of_a_clip() -> None:
    random = np.random.default_rng(0)
    assert fill_template([WAY], ["violin", "rock", "sad", "flute"], random) == (
        "Sad rock played on violin, slowly",
        ("sad", "rock", "violin"),
    )
    assert fill_template([WAY], ["violin", "rock"], random) is None
    assert fill_template([], ["violin"], random) is None


def test_mined_templates_are_used_in_every_tags_to_caption() -> None:
    items = [
        Item("1", tags=("sad", "jazz", "piano"), captions=("sad jazz played on piano, slowly",)),
        Item("2", tags=("joyful", "folk", "banjo")),
    ]
    mined = config.TagsToCaptionConfig(templates="mined")
    texts = config.MixtureConfig(of=[config.WeightedCaptionsConfig(weight=1.0, captions=mined)])
    caption_sampler = CaptionSampler.build(texts, config.NoHardNegativesConfig(), items)
    assert caption_sampler.templates == (WAY,)
    random = np.random.default_rng(0)
    text = {caption_sampler(items[1], random)[0].text for _ in range(50)}
    assert "Joyful folk played on banjo, slowly" in text
    assert (
        CaptionSampler.build(
            config.TagsToCaptionConfig(), config.NoHardNegativesConfig(), items
        ).templates
        == ()
    )
