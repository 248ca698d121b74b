import numpy as np
import pytest

from tunespace.data.manifest import Item
from tunespace.training.captions import Speaker
from tunespace.training.captions.mined_templates import fill, mine
from tunespace.training.recipe import config

WAY = "{mood} {genre} played on {instrument}, slowly"


def test_words_of_a_kind_become_places() -> None:
    found = mine(["Sad jazz played on piano, slowly", "joyful folk played on banjo, slowly"])
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
def test_what_is_no_way_of_writing_is_left_out(caption: str) -> None:
    assert mine([caption]) == ()


def test_places_are_filled_with_the_tags_of_a_clip() -> None:
    random = np.random.default_rng(0)
    assert fill([WAY], ["violin", "rock", "sad", "flute"], random) == (
        "Sad rock played on violin, slowly",
        ("sad", "rock", "violin"),
    )
    assert fill([WAY], ["violin", "rock"], random) is None
    assert fill([], ["violin"], random) is None


def test_a_recipe_asks_for_them_wherever_it_says_tags_to_caption() -> None:
    items = [
        Item("1", tags=("sad", "jazz", "piano"), captions=("sad jazz played on piano, slowly",)),
        Item("2", tags=("joyful", "folk", "banjo")),
    ]
    mined = config.TagsToCaption(ways="mined")
    texts = config.Mixture(of=[config.Weighted(weight=1.0, texts=mined)])
    speaker = Speaker.of(texts, config.NoHard(), items)
    assert speaker.ways == (WAY,)
    random = np.random.default_rng(0)
    said = {speaker(items[1], random)[0].text for _ in range(50)}
    assert "Joyful folk played on banjo, slowly" in said
    assert Speaker.of(config.TagsToCaption(), config.NoHard(), items).ways == ()
