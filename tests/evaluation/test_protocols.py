from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import pytest

from tunespace.evaluation import Item
from tunespace.evaluation.protocols import (
    NegationPairs,
    ProtocolInput,
    SimilarArtist,
    SimilarTrack,
    TextEmbedder,
    UnseenTags,
    split_tags,
)

EAST, NORTH, WEST = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]


class Known:
    """TextEmbedder with given places."""

    def __init__(self, places: Mapping[str, Sequence[float]]) -> None:
        self.places = places

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([self.places[text] for text in texts], np.float32).reshape(-1, 3)


def inputs(
    items: list[Item], vectors: Sequence[Sequence[float]], texts: Mapping[str, Sequence[float]]
) -> ProtocolInput:
    known = cast("TextEmbedder", Known(texts))
    return ProtocolInput(items, np.array(vectors, np.float32), known, {}, 0)


def test_negation_is_below_chance_for_a_model_that_ignores_it() -> None:
    items = [Item(str(n), tags=("vocals",) if n < 2 else ("piano", "x")) for n in range(4)]
    places = [EAST, EAST, WEST, WEST]
    pairs = NegationPairs(tags=("vocals",))
    deaf = pairs.run(inputs(items, places, {"vocals": EAST, "no vocals": EAST}))
    assert deaf.figures["roc_auc of the refusing text"].value == 0
    assert deaf.figures["right of both texts"].value == 0.5
    good = pairs.run(inputs(items, places, {"vocals": EAST, "no vocals": WEST}))
    assert good.figures["roc_auc of the refusing text"].value == 1
    assert good.figures["right of both texts"].value == 1
    assert good.tables["tags"][0]["clips"] == 2
    assert pairs.unmet_requirement(items) == ""
    assert pairs.unmet_requirement(items[:2])


def test_similar_artists_are_ranked_by_the_mean_of_their_clips() -> None:
    items = [
        Item("1", artist="Ann", artist_id="a", similar_artists=("b", "gone")),
        Item("2", artist="Ann", artist_id="a"),
        Item("3", artist="Bob", artist_id="b"),
        Item("4", artist="Cid", artist_id="c"),
    ]
    places = [EAST, EAST, EAST, NORTH]
    found = SimilarArtist().run(inputs(items, places, {}))
    assert (found.notes["queries"], found.notes["pool"]) == (1, 2)
    assert found.figures["ndcg@200"].value == 1
    named = SimilarArtist(query="text").run(
        inputs(items, places, {"similar with artist Ann": NORTH})
    )
    assert named.figures["mrr"].value == 0.5
    assert SimilarArtist().unmet_requirement(items[1:])


def test_triplets() -> None:
    items = [
        Item("a", labels={"nearer": "b", "farther": "c"}),
        Item("b", labels={"nearer": "c", "farther": "a"}),
        Item("c", labels={"nearer": "gone", "farther": "a"}),
    ]
    found = SimilarTrack().run(inputs(items, [EAST, EAST, NORTH], {}))
    assert found.figures["triplet_accuracy"].value == 0.5
    assert found.figures["triplet_accuracy"].n == 2
    assert SimilarTrack().unmet_requirement(items[2:])


def test_tags_are_split_into_seen_and_unseen() -> None:
    tags = [f"t{n}" for n in range(1000)]
    split = split_tags([Item(tag, tags=(tag,)) for tag in tags])
    assert 750 < len(split.seen) < 850
    assert len(split.seen) + len(split.unseen) == 1000
    assert not set(split.seen) & set(split.unseen)
    x, y = split.seen[0], split.unseen[0]
    items = [Item("1", tags=(x,)), Item("2", tags=(x, y)), Item("3", tags=(y,)), Item("4")]
    everything = [*items, *(Item(tag, tags=(tag,)) for tag in tags)]
    again = split_tags(everything)
    assert again.seen == split.seen
    assert again.group[:4] == ("A", "B", "C", "")
    # What is unseen in all of the data is unseen in a part of it.
    assert set(split_tags(everything[:500]).unseen) <= set(split.unseen)
    assert split_tags(everything, seed=1).unseen != split.unseen


@pytest.mark.parametrize(("among", "count"), [("Y", 2), ("XY", 10)])
def test_unseen_tags_are_evaluated_on_tracks_with_them(among: str, count: int) -> None:
    every = split_tags([Item(tag, tags=(tag,)) for tag in (f"t{n}" for n in range(100))])
    tags = [*every.seen[:8], *every.unseen[:2]]
    items = [Item(tag, tags=(tag,)) for tag in tags]
    unseen = split_tags(items).unseen
    places = [EAST if tag == unseen[0] else NORTH for tag in tags]
    texts: dict[str, Sequence[float]] = dict.fromkeys(tags, WEST)
    texts |= {unseen[0]: EAST, unseen[1]: NORTH}
    protocol = UnseenTags(among=among)
    assert protocol.unmet_requirement(items) == ""
    found = protocol.run(inputs(items, places, texts))
    assert found.notes["tracks"] == 2
    assert found.figures["roc_auc of tags"].value == 1
    assert found.figures["average precision of tracks"].value == 1
    assert found.notes["tags"] == count
    assert protocol.unmet_requirement([Item("1", tags=("only",))])
