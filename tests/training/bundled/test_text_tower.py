"""The text tower of the bundled model, on encoders of random weights in the real format."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from tunespace.models.config import TEXT_TOWER, TOKENIZER
from tunespace.models.lexicon_vectors import LexiconVectors
from tunespace.models.onnx_towers import normalize_rows, open_session, open_tokenizer, read_tokens
from tunespace.text.lexicon import Lexicon
from tunespace.training.bundled.text_tower import (
    TextSources,
    TrainingTexts,
    cached_sentence_embeddings,
    make_training_texts,
    train_text_tower,
    write_tower,
)
from tunespace.training.bundled.tune_encoder import EncoderSchedule

# Lightning and the exporter warn of what a small run on a CPU cannot have.
pytestmark = pytest.mark.filterwarnings("ignore")

CONCEPTS = ("sad", "happy", "metal", "strings")
LEXICON = """word\tkind\tdescription\tconcepts
gloomy\tmood\tslow minor chords\tsad:3
hopeful\tmood\tbright rising piano\thappy:3
doom\tgenre\theavy crawling guitars\tmetal:3,sad:1
cello\tinstrument\tdeep bowed sound\tstrings:3
"""
SCHEDULE = EncoderSchedule(epochs=4, batch=16, learning_rate=2e-3, precision="32-true")


def bert(folder: Path, words: list[str]) -> Path:
    torch.manual_seed(0)
    vocabulary = {word: n for n, word in enumerate(["[PAD]", "[UNK]", *words])}
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / TOKENIZER))
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
    ).save_pretrained(folder)
    return folder


@pytest.fixture
def sources(tmp_path: Path) -> TextSources:
    known = [*LEXICON.replace("\t", " ").replace(",", " ").split(), "cheerful", "a", "with"]
    words = sorted(set(known))
    vectors = np.random.default_rng(0).normal(size=(len(words), 5))
    lines = [" ".join([w, *map(str, row)]) for w, row in zip(words, vectors, strict=True)]
    (tmp_path / "vectors.txt").write_text("\n".join(lines) + "\n")
    return TextSources(
        bert(tmp_path / "small", words), bert(tmp_path / "strong", words), tmp_path / "vectors.txt"
    )


@pytest.fixture
def words(tmp_path: Path) -> LexiconVectors:
    (tmp_path / "lexicon.tsv").write_text(LEXICON)
    return LexiconVectors(Lexicon.load(tmp_path / "lexicon.tsv", None), CONCEPTS, 6)


@pytest.fixture
def lesson(sources: TextSources, words: LexiconVectors, tmp_path: Path) -> TrainingTexts:
    entries = list(words.lexicon.entries.values())
    return make_training_texts(sources, words, entries, tmp_path / "run", 0, combinations=200)


def test_the_concept_space_contains_all_training_targets(
    lesson: TrainingTexts, words: LexiconVectors
) -> None:
    assert lesson.texts[:4] == ["gloomy", "hopeful", "doom", "cello"]
    np.testing.assert_allclose(lesson.points[2], words.vector("doom")[:4], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(lesson.points, axis=1), 1, atol=1e-5)
    assert "cheerful" in lesson.texts
    assert lesson.weights[0] == 1
    assert lesson.weights[lesson.texts.index("cheerful")] < 1


def test_excluded_words_do_not_affect_the_result(
    sources: TextSources, words: LexiconVectors, tmp_path: Path
) -> None:
    kept = [entry for entry in words.lexicon.entries.values() if entry.word != "cello"]
    lesson = make_training_texts(sources, words, kept, tmp_path / "run", 0, combinations=200)
    assert not any("cello" in text or "deep bowed" in text for text in lesson.texts)


def test_encoder_tuning_improves_resumes_and_exports(
    sources: TextSources, words: LexiconVectors, lesson: TrainingTexts, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    tower = train_text_tower(sources, lesson, 4, run, SCHEDULE)
    again = train_text_tower(sources, lesson, 4, run, SCHEDULE)
    ids, mask = torch.tensor([[3, 4, 5]]), torch.ones(1, 3, dtype=torch.int64)
    with torch.no_grad():
        torch.testing.assert_close(again(ids, mask), tower(ids, mask))
    write_tower(tower, 6, run, tmp_path)
    session = open_session(tmp_path / TEXT_TOWER)
    tokenizer = open_tokenizer(sources.encoder / TOKENIZER, 16)
    names = ["gloomy", "hopeful", "doom", "cello"]
    found = normalize_rows(np.stack([read_tokens(session, tokenizer.encode(w).ids) for w in names]))
    truth = np.stack([words.vector(name) for name in names])
    assert (found * truth).sum(axis=1).mean() > 0.8
    assert (found @ truth.T).argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_sentence_embeddings_are_cached(sources: TextSources, tmp_path: Path) -> None:
    kept = tmp_path / "kept.npz"
    first = cached_sentence_embeddings(sources.strong_encoder, ["doom", "gloomy cello"], kept)
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)
    nowhere = tmp_path / "nowhere"
    again = cached_sentence_embeddings(nowhere, ["gloomy cello", "doom"], kept)
    np.testing.assert_array_equal(again, first[::-1])
