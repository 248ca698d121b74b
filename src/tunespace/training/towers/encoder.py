"""A bidirectional transformer over a text: BERT (Devlin et al. 2019) and its kin."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer
from torch import Tensor, nn

from tunespace.errors import TrainingError
from tunespace.training import parts
from tunespace.training.towers.pretrained import load_pretrained, require_heads

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
_VOCABULARY = 8000


class TextEncoder(nn.Module):
    """A transformer and its pooling: the first token, the mean of all, or the last one."""

    def __init__(self, encoder: nn.Module, pooling: Literal["first", "mean", "last"]) -> None:
        """Takes a model of transformers without its own pooling."""
        super().__init__()
        self.encoder = encoder
        self.pooling = pooling

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Maps ``(batch, tokens)`` ids and mask to ``(batch, width)``."""
        states: Tensor = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        if self.pooling == "first":
            return states[:, 0]
        if self.pooling == "last":
            last = (mask.sum(1) - 1).clamp_min(0)[:, None, None]
            return states.gather(1, last.expand(-1, 1, states.shape[2])).squeeze(1)
        weights = mask.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1).clamp_min(1)


def small_tokenizer(texts: Sequence[str]) -> Tokenizer:
    """Pieces of words, learned from the texts (byte pair encoding, Sennrich et al. 2016).

    Not BERT's WordPiece: its trainer gives another vocabulary each time.
    """
    tokenizer = Tokenizer(BPE(unk_token=SPECIAL[1]))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    trainer = BpeTrainer(vocab_size=_VOCABULARY, special_tokens=SPECIAL, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    ends = [(mark, tokenizer.token_to_id(mark)) for mark in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    return tokenizer


def small_config(settings: parts.TextEncoder, vocabulary: int) -> Any:  # noqa: ANN401
    """The configuration of a BERT that is trained from scratch.

    Raises:
        TrainingError: The sizes do not fit together.
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


def causal_config(settings: parts.CausalText, vocabulary: int) -> Any:  # noqa: ANN401
    """The configuration of a transformer that reads from left to right, from scratch.

    Raises:
        TrainingError: The sizes do not fit together.
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
    """An encoder with its weights, and its tokenizer.

    Args:
        name: A folder, or ``hf:owner/name``.

    Raises:
        TrainingError: It cannot be read or fetched.
    """
    from transformers import AutoModel, AutoTokenizer

    encoder = load_pretrained(AutoModel, name, "text.pretrained")
    tokenizer = load_pretrained(AutoTokenizer, name, "text.pretrained")
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if not isinstance(backend, Tokenizer):
        raise TrainingError(f"text.pretrained: {name} has no tokenizer.json")
    return encoder, backend


def empty_encoder(folder: Path) -> Any:  # noqa: ANN401
    """The encoder that a folder's ``config.json`` describes, with weights that are drawn."""
    from transformers import AutoConfig, AutoModel

    builder: Any = AutoModel
    return builder.from_config(AutoConfig.from_pretrained(folder, local_files_only=True))
