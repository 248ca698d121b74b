import pytest
import torch
from transformers import BertConfig, BertModel

from tunespace.training.towers.text_encoder import TextEncoder


def tower(*, frozen: bool) -> TextEncoder:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=20,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        hidden_dropout_prob=0.5,
    )
    return TextEncoder(BertModel(config), "mean", frozen=frozen).train()


IDS = torch.tensor([[1, 2, 3, 0], [4, 5, 0, 0], [1, 2, 3, 4]])
MASK = (IDS > 0).long()


def test_a_frozen_encoder_is_deterministic_and_encodes_each_text_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoder = tower(frozen=True)
    read: list[int] = []
    plain = encoder._read  # noqa: SLF001

    def counted(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        read.append(len(ids))
        return plain(ids, mask)

    monkeypatch.setattr(encoder, "_read", counted)
    first, again = encoder(IDS, MASK), encoder(IDS[:2], MASK[:2])
    assert read == [3]
    torch.testing.assert_close(again, first[:2])
    # What was read in validation can be learned from.
    with torch.inference_mode():
        encoder.eval()(IDS + MASK, MASK)
    weight = torch.nn.Parameter(torch.ones(16))
    (encoder.train()(IDS + MASK, MASK) * weight).sum().backward()
    assert weight.grad is not None
    assert read == [3, 3]
    # As it reads where it does not remember, whatever stands beside a text.
    encoder.caches = False
    torch.testing.assert_close(first, encoder(IDS, MASK))
    assert not any(p.requires_grad for p in encoder.parameters())


def test_the_cache_of_encodings_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunespace.training.towers.text_encoder._CACHE_SIZE", 2)
    encoder = tower(frozen=True)
    first = encoder(IDS, MASK)
    other = encoder(IDS + MASK, MASK)
    assert len(encoder._cache) == 3  # noqa: SLF001
    torch.testing.assert_close(encoder(IDS, MASK), first)
    assert not torch.allclose(first, other)


def test_one_that_is_trained_draws_its_dropout() -> None:
    encoder = tower(frozen=False)
    assert not torch.allclose(encoder(IDS, MASK), encoder(IDS, MASK))
