import numpy as np
import pytest

from tunespace.evaluation.manifest import Item
from tunespace.training import parts
from tunespace.training.texts import Speaker
from tunespace.training.texts.mined import fill, mine

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
    mined = parts.TagsToCaption(ways="mined")
    texts = parts.Mixture(of=[parts.Weighted(weight=1.0, texts=mined)])
    speaker = Speaker.of(texts, parts.NoHard(), items)
    assert speaker.ways == (WAY,)
    random = np.random.default_rng(0)
    said = {speaker(items[1], random)[0].text for _ in range(50)}
    assert "Joyful folk played on banjo, slowly" in said
    assert Speaker.of(parts.TagsToCaption(), parts.NoHard(), items).ways == ()
