"""The model that ships: it must be whole, and mean what its words say."""

from pathlib import Path

import numpy as np
import pytest

import sounds
from tunespace import Model, load_model
from tunespace.models.config import sha256_of


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model()


def cosine(model: Model, one: str, other: str) -> float:
    a, b = model.embed_text([one, other])
    return float(a @ b)


def test_the_bundled_model_is_complete_and_small(model: Model) -> None:
    for name, sha256 in model.config.files.items():
        assert sha256_of(model.folder / name) == sha256
    assert sum(path.stat().st_size for path in model.folder.iterdir()) < 45e6


def test_the_bundled_model_has_a_card(model: Model) -> None:
    card = (model.folder / "README.md").read_text(encoding="utf-8")
    assert "## Sources" in card


def test_every_word_of_its_lexicon_is_a_point(model: Model) -> None:
    assert model.lexicon_vectors is not None
    for word in model.lexicon_vectors.lexicon.entries:
        assert np.linalg.norm(model.lexicon_vectors.vector(word)) == pytest.approx(1, abs=1e-5)


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
def test_queries_are_near_related_queries(model: Model, query: str, near: str, far: str) -> None:
    assert cosine(model, query, near) > cosine(model, query, far) + 0.2


@pytest.mark.parametrize(
    ("word", "near", "far"),
    [
        ("moshpit", "metal", "lullaby"),
        ("bagpipers", "bagpipes", "techno"),
        ("crooners", "jazz", "metal"),
        ("tearjerker", "sad", "party"),
        ("snowfall", "calm", "aggressive"),
        ("melancolic", "melancholic", "happy"),
    ],
)
def test_words_outside_the_lexicon_are_embedded(
    model: Model, word: str, near: str, far: str
) -> None:
    assert model.lexicon_vectors is not None
    assert word not in model.lexicon_vectors.lexicon.entries
    assert cosine(model, word, near) > cosine(model, word, far) + 0.5


@pytest.mark.parametrize(
    ("one", "other"),
    [("calm", "energetic"), ("happy", "sad"), ("aggressive", "gentle"), ("acoustic", "electronic")],
)
def test_opposites_point_apart(model: Model, one: str, other: str) -> None:
    assert cosine(model, one, other) < -0.3


def test_loudness_does_not_change_the_embedding(model: Model, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(scale=0.01, size=12 * 16_000)  # as every room has
    music = (sounds.tone(12.0, 16_000) + noise).astype(np.float32)
    loud = sounds.wav(tmp_path / "loud.wav", music)
    quiet = sounds.wav(tmp_path / "quiet.wav", music / np.float32(4))
    one, other = model.embed_audio([loud, quiet])
    assert float(one @ other) > 0.99


@pytest.mark.parametrize(
    ("negated", "what"),
    [
        ("jazz without drums", "drums"),
        ("no vocals", "vocals"),
        ("piano but not sad", "sad"),
        ("piano sin voz", "vocals"),
    ],
)
def test_negations_move_the_embedding_away(model: Model, negated: str, what: str) -> None:
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
def test_sixteen_languages_give_the_same_embedding(model: Model, query: str) -> None:
    assert cosine(model, query, "sad piano") > 0.6


def test_a_texts_vector_does_not_depend_on_its_neighbours(model: Model) -> None:
    texts = ["jazz", "a long sentence about slow music at dusk", "banjo"]
    alone = np.concatenate([model.embed_text([text]) for text in texts])
    np.testing.assert_array_equal(model.embed_text(texts), alone)


def test_a_very_long_query_is_embedded(model: Model) -> None:
    assert model.embed_text(["calm piano at dawn " * 2500]).shape == (1, model.dim)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("guittar", "guitar"), ("psycadelic rock", "psychedelic rock"), ("no drumms", "no drums")],
)
def test_typing_errors_are_corrected(model: Model, typed: str, meant: str) -> None:
    one, other = model.embed_text([typed, meant])
    assert float(one @ other) > 0.9


@pytest.mark.parametrize(
    "word",
    ["dance", "punk", "ballad", "synth", "female vocalist", "male voice", "rnb", "dnb", "swedish"],
)
def test_common_tags_are_lexicon_terms(model: Model, word: str) -> None:
    assert model.parse_query(word).terms
    assert model.parse_query(word).unknown_share == 0
