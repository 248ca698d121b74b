"""The model that ships: it must be whole, and mean what its words say."""

import numpy as np
import pytest

from tunespace import Model, load_model
from tunespace.models.config import sha256_of


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model()


def cosine(model: Model, one: str, other: str) -> float:
    a, b = model.embed_text([one, other])
    return float(a @ b)


def test_it_is_whole_and_small(model: Model) -> None:
    for name, sha256 in model.config.files.items():
        assert sha256_of(model.folder / name) == sha256
    assert sum(path.stat().st_size for path in model.folder.iterdir()) < 45e6


def test_its_card_is_beside_it(model: Model) -> None:
    card = (model.folder / "README.md").read_text(encoding="utf-8")
    assert "What it was made from" in card


def test_every_word_of_its_lexicon_is_a_point(model: Model) -> None:
    assert model.words is not None
    for word in model.words.lexicon.entries:
        assert np.linalg.norm(model.words.vector(word)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("query", "near", "far"),
    [
        ("warm jazz piano, no vocals", "jazz", "heavy metal"),
        ("banjo", "country", "techno"),
        ("music to fall asleep to on a rainy night", "calm", "aggressive"),
        ("screaming guitars and pounding drums", "heavy metal", "lullaby"),
        ("triste", "sad", "party"),
        ("悲しいピアノ", "sad piano", "dance"),
    ],
)
def test_queries_lie_near_what_they_mean(model: Model, query: str, near: str, far: str) -> None:
    assert cosine(model, query, near) > cosine(model, query, far) + 0.2


@pytest.mark.parametrize(
    ("negated", "what"),
    [
        ("jazz without drums", "drums"),
        ("no vocals", "vocals"),
        ("piano but not sad", "sad"),
        ("piano sin voz", "vocals"),
    ],
)
def test_negations_lead_away(model: Model, negated: str, what: str) -> None:
    assert cosine(model, negated, what) < 0.1


@pytest.mark.parametrize(
    "query",
    [
        "música triste con piano",
        "música triste com piano",
        "musique triste au piano",
        "traurige Klaviermusik",
        "musica triste pianoforte",
        "verdrietige pianomuziek",
        "smutna muzyka fortepian",
        "sorglig pianomusik",
        "hüzünlü piyano",
        "грустное пианино",
        "悲しいピアノ",
        "悲伤的钢琴",
        "슬픈 피아노",
        "उदास पियानो",
        "بيانو حزين",
        "piano sedih",
    ],
)
def test_sixteen_languages_say_the_same(model: Model, query: str) -> None:
    assert cosine(model, query, "sad piano") > 0.6


def test_a_texts_vector_does_not_depend_on_its_neighbours(model: Model) -> None:
    texts = ["jazz", "a long sentence about slow music at dusk", "banjo"]
    alone = np.concatenate([model.embed_text([text]) for text in texts])
    np.testing.assert_array_equal(model.embed_text(texts), alone)


def test_a_very_long_query_is_answered(model: Model) -> None:
    assert model.embed_text(["calm piano at dawn " * 2500]).shape == (1, model.dim)
