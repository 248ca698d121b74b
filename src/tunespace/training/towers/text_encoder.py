"""Transformer text encoders: BERT (Devlin et al. 2019) and causal ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer
from torch import Tensor, nn

from tunespace.errors import TrainingError
from tunespace.training.recipe import config
from tunespace.training.towers.pretrained import load_network, load_pretrained, require_heads

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
_VOCABULARY = 8000
# Texts in the cache of a frozen encoder: some hundred megabytes.
_CACHE_SIZE = 100_000


class TextEncoder(nn.Module):
    """Transformer and its pooling: first token, mean over tokens, or last token.

    A frozen encoder has no dropout, so that a text always has the same encoding, which is cached.

    Attributes:
        caches: Whether encodings are cached; must be False during export.
    """

    def __init__(
        self,
        encoder: nn.Module,
        pooling: Literal["first", "mean", "last"],
        *,
        frozen: bool = False,
    ) -> None:
        """Take a model of transformers without its own pooling."""
        super().__init__()
        self.encoder = encoder
        self.pooling = pooling
        self.frozen = frozen
        self.caches = frozen
        self.requires_grad_(not frozen)
        self._cache: dict[bytes, Tensor] = {}

    def train(self, mode: bool = True) -> "TextEncoder":  # noqa: FBT001, FBT002 - as torch has it
        """Set the training mode, unless the encoder is frozen."""
        super().train(mode)
        if self.frozen:
            self.encoder.eval()
        return self

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Map ``(batch, tokens)`` ids and mask to ``(batch, width)``."""
        if self.caches:
            return self._cached(ids, mask)
        return self._read(ids, mask)

    def _cached(self, ids: Tensor, mask: Tensor) -> Tensor:
        rows = zip(ids.cpu().numpy(), mask.sum(1).tolist(), strict=True)
        keys = [row[:length].tobytes() for row, length in rows]
        new = [n for n, key in enumerate(keys) if key not in self._cache]
        if new:
            if len(self._cache) > _CACHE_SIZE:
                self._cache.clear()
                new = list(range(len(keys)))
            longest = int(mask[new].sum(1).max())
            # Encodings of validation are used in training as well.
            with torch.inference_mode(mode=False), torch.no_grad():
                encoded = self._read(ids[new, :longest], mask[new, :longest])
            self._cache |= dict(zip((keys[n] for n in new), encoded, strict=True))
        return torch.stack([self._cache[key] for key in keys])

    def _read(self, ids: Tensor, mask: Tensor) -> Tensor:
        states: Tensor = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        if self.pooling == "first":
            return states[:, 0]
        if self.pooling == "last":
            last = (mask.sum(1) - 1).clamp_min(0)[:, None, None]
            return states.gather(1, last.expand(-1, 1, states.shape[2])).squeeze(1)
        weights = mask.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1).clamp_min(1)


def small_tokenizer(texts: Sequence[str]) -> Tokenizer:
    """Train a tokenizer on texts (byte pair encoding, Sennrich et al. 2016).

    Not BERT's WordPiece: its trainer is not deterministic.
    """
    tokenizer = Tokenizer(BPE(unk_token=SPECIAL[1]))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    trainer = BpeTrainer(vocab_size=_VOCABULARY, special_tokens=SPECIAL, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    ends = [(mark, tokenizer.token_to_id(mark)) for mark in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    return tokenizer


def small_config(settings: config.TextEncoderConfig, vocabulary: int) -> Any:  # noqa: ANN401
    """Return the configuration of a BERT that is trained from scratch.

    Raises:
        TrainingError: Sizes do not match.
    """
    from transformers import BertConfig

    require_heads("text", settings.width, settings.heads)
    return BertConfig(
        vocab_size=vocabulary,
        hidden_size=settings.width,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        intermediate_size=4 * settings.width,
        max_position_embeddings=settings.max_tokens,
        hidden_dropout_prob=settings.dropout,
        attention_probs_dropout_prob=settings.dropout,
    )


def causal_config(settings: config.CausalTextConfig, vocabulary: int) -> Any:  # noqa: ANN401
    """Return the configuration of a causal transformer that is trained from scratch.

    Raises:
        TrainingError: Sizes do not match.
    """
    from transformers import CLIPTextConfig

    require_heads("text", settings.width, settings.heads)
    return CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=settings.width,
        intermediate_size=4 * settings.width,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        max_position_embeddings=settings.max_tokens,
        attention_dropout=settings.dropout,
        pad_token_id=0,
        bos_token_id=SPECIAL.index("[CLS]"),
        eos_token_id=SPECIAL.index("[SEP]"),
    )


def load_encoder(name: str) -> tuple[Any, Tokenizer]:
    """Load an encoder with its weights, and its tokenizer.

    Args:
        name: Folder, or ``hf:owner/name``.

    Raises:
        TrainingError: It cannot be read or downloaded.
    """
    from transformers import AutoModel, AutoTokenizer

    encoder = load_network(AutoModel, name, "text_tower.pretrained")
    tokenizer = load_pretrained(AutoTokenizer, name, "text_tower.pretrained")
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if not isinstance(backend, Tokenizer):
        raise TrainingError(f"text_tower.pretrained: {name} has no tokenizer.json")
    return encoder, backend


def empty_encoder(folder: Path) -> Any:  # noqa: ANN401
    """Build the encoder of a folder's ``config.json`` with random weights."""
    from transformers import AutoConfig, AutoModel

    builder: Any = AutoModel
    return builder.from_config(AutoConfig.from_pretrained(folder, local_files_only=True))
