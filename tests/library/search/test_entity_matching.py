from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tunespace.library.search.entity_matching import match_names
from tunespace.library.store.records import FileStamp, TrackEmbedding
from tunespace.library.store.sqlite import SqliteStore
from tunespace.library.tags import Tags
from tunespace.models import load_model
from tunespace.text import Entry, Lexicon

TRACKS = [
    ("Sinnerman", "Nina Simone"),
    ("Calm", "Calm"),
    ("Slow Jazz", "Slow Club"),
    ("Teardrop", "Massive Attack"),
    ("Piano", "Nobody"),
]
WORDS = ("calm", "slow", "jazz", "piano", "club")
LEXICON = Lexicon({word: Entry(word, "mood", "", "") for word in WORDS}, {})


@pytest.fixture
def store(tmp_path: Path, model: str) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "library")
    with opened.writing():
        space = opened.ensure_space(load_model(model), model)
        for n, (title, artist) in enumerate(TRACKS):
            one = np.array([[1, 0]], np.float32)
            tags = Tags(title=title, artist=artist)
            embedding = TrackEmbedding(b"", 1.0, one[0], one, one, tags)
            opened.save_track(f"/{n}.mp3", FileStamp(1, 1), embedding, space)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("query", "rest", "artists", "like"),
    [
        ("nina simone", "", {"ninasimone"}, set()),
        ("Nina Simone, live and slow", "live and slow", {"ninasimone"}, set()),
        ("piano by nina simone", "piano", {"ninasimone"}, set()),
        ("similar to Nina Simone", "", set(), {"ninasimone"}),
        ("in the style of massive attack but calm", "but calm", set(), {"massiveattack"}),
        ("sounds like Calm", "", set(), {"calm"}),
        ("calm", "calm", set(), set()),
        ("calm piano", "calm piano", set(), set()),
        ("slow club", "", {"slowclub"}, set()),
        ("music by calm", "", {"calm"}, set()),
        ("a song that sounds good", "a song that sounds good", set(), set()),
    ],
)
def test_artist_names_are_recognised(
    query: str, rest: str, artists: set[str], like: set[str], store: SqliteStore
) -> None:
    named = match_names(query, store, LEXICON)
    assert (named.rest, set(named.artists), set(named.similar_to)) == (rest, artists, like)


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("sinnerman", {"Sinnerman"}),
        ("slow jazz", {"Slow Jazz"}),
        ("piano", set()),
        ("teardrop massive", {"Teardrop"}),
        ("no such title", set()),
    ],
)
def test_titles_are_recognised(query: str, titles: set[str], store: SqliteStore) -> None:
    found = store.tracks(sorted(match_names(query, store, LEXICON).title_ids))
    assert {track.title for track in found.values()} == titles


def test_a_long_query_is_matched(store: SqliteStore) -> None:
    assert match_names("slow " * 10_000 + "nina simone", store, LEXICON).artists == set()
