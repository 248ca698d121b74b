from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import BertConfig, BertModel

from tunespace.training.bundled.sentence_encoder import (
    append_linear,
    embed,
    export_encoder,
    fit_ridge,
    load_encoder,
)

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of random weights in the real format."""
    folder = tmp_path_factory.mktemp("bert")
    config = BertConfig(
        vocab_size=20,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    words = ["[UNK]", *"abcdefghij"]
    tokenizer = Tokenizer(WordLevel({word: n for n, word in enumerate(words)}, unk_token=words[0]))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def by_torch(
    pretrained: Path, texts: list[str]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    encoder = BertModel.from_pretrained(pretrained, add_pooling_layer=False)
    tokenizer = Tokenizer.from_file(str(pretrained / "tokenizer.json"))
    rows = []
    for text in texts:
        with torch.no_grad():
            states = encoder(torch.tensor([tokenizer.encode(text).ids])).last_hidden_state[0]
        rows.append(torch.nn.functional.normalize(states.mean(dim=0), dim=0).numpy())
    return np.stack(rows)


def test_the_text_tower_is_the_encoder_and_then_the_ridge(pretrained: Path, tmp_path: Path) -> None:
    export_encoder(load_encoder(pretrained), tmp_path / "encoder.onnx")
    texts = ["a b c", "d", "e f g h i j a b c d"]
    sentences = embed(tmp_path / "encoder.onnx", pretrained / "tokenizer.json", texts, 16)
    assert sentences.shape == (3, 32)
    np.testing.assert_allclose(np.linalg.norm(sentences, axis=1), 1, atol=1e-5)
    np.testing.assert_array_less(0.98, (sentences * by_torch(pretrained, texts)).sum(axis=1))
    ridge = np.random.default_rng(0).normal(size=(33, 5)).astype(np.float32)
    append_linear(tmp_path / "encoder.onnx", ridge, tmp_path / "text.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "text.onnx")
    ids = np.array([[1, 2, 3]], np.int64)
    found = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0]
    np.testing.assert_allclose(found[0], sentences[0] @ ridge[:-1] + ridge[-1], atol=1e-4)


def test_ridge_finds_a_linear_map_and_shrinks_it() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 6)).astype(np.float32)
    truth = random.normal(size=(6, 3))
    y = (x @ truth + 2).astype(np.float32)
    loose, tight = fit_ridge(x, y, 1e-6), fit_ridge(x, y, 1e3)
    np.testing.assert_allclose(loose[:-1], truth, atol=1e-3)
    np.testing.assert_allclose(loose[-1], 2, atol=1e-3)
    assert np.linalg.norm(tight[:-1]) < np.linalg.norm(loose[:-1]) / 2
