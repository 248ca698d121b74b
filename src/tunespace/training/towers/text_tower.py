"""Text tower of a run: tokenizer and network, stored in the run folder."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer
from torch import nn

from tunespace.data.manifest import Item
from tunespace.files import write_text
from tunespace.models.config import TOKENIZER, ModelConfig
from tunespace.models.onnx_towers import open_tokenizer
from tunespace.models.registry import find_model
from tunespace.training.captions import corpus, lexicon_texts, shuffled_metadata_texts
from tunespace.training.recipe import config
from tunespace.training.towers.text_encoder import (
    TextEncoder,
    causal_config,
    empty_encoder,
    load_encoder,
    small_config,
    small_tokenizer,
)
from tunespace.training.towers.word_vectors import (
    MUSICAL,
    WordVectors,
    make_word_vectors,
    word_tokenizer,
)

_VECTORS = "vectors.npy"
_WORDS_READ = 64


def prepare_text(
    settings: config.TextTowerConfig, items: Sequence[Item], folder: Path, seed: int
) -> None:
    """Write what the text tower needs besides its trained weights to ``folder``.

    Args:
        settings: Configuration of the text tower.
        items: Clips whose texts a tokenizer or word vectors are trained on, with the descriptions
            of the lexicon.
        folder: Folder of the run; a complete one is kept.
        seed: Random seed of trained word vectors.

    Raises:
        TrainingError: A file that the recipe names cannot be read.
    """
    if (folder / TOKENIZER).exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    texts = [*corpus(items), *lexicon_texts()]
    match settings:
        case config.FrozenTextConfig(model=name):
            tokenizer = Tokenizer.from_file(str(find_model(name) / TOKENIZER))
        case config.WordVectorsConfig():
            extra = shuffled_metadata_texts(items, seed) if settings.vectors == MUSICAL else []
            words, vectors = make_word_vectors(settings, [*texts, *extra], seed)
            np.save(folder / _VECTORS, vectors)
            tokenizer = word_tokenizer(words)
        case config.TextEncoderConfig(pretrained=""):
            tokenizer = small_tokenizer(texts)
            small_config(settings, tokenizer.get_vocab_size()).save_pretrained(folder)
        case config.CausalTextConfig():
            tokenizer = small_tokenizer(texts)
            causal_config(settings, tokenizer.get_vocab_size()).save_pretrained(folder)
        case config.TextEncoderConfig(pretrained=name):
            encoder, tokenizer = load_encoder(name)
            encoder.config.save_pretrained(folder)
    # Last and atomically: if it exists, so does the rest.
    write_text(folder / TOKENIZER, tokenizer.to_str(pretty=True))


def load_initial_weights(settings: config.TextTowerConfig, tower: nn.Module) -> None:
    """Load the pretrained weights that the recipe names, if any.

    Raises:
        TrainingError: They cannot be read.
    """
    if isinstance(settings, config.TextEncoderConfig) and settings.pretrained:
        encoder, _ = load_encoder(settings.pretrained)
        wanted = {f"encoder.{name}": value for name, value in encoder.state_dict().items()}
        tower.load_state_dict(wanted, strict=False)


def max_tokens(settings: config.TextTowerConfig) -> int:
    """Return the maximum number of tokens of a text."""
    match settings:
        case config.FrozenTextConfig(model=name):
            return ModelConfig.load(find_model(name)).max_tokens
        case config.WordVectorsConfig():
            return _WORDS_READ
        case _:
            return settings.max_tokens


def load_tokenizer(settings: config.TextTowerConfig, folder: Path) -> Tokenizer:
    """Load the tokenizer of a run, with truncation."""
    return open_tokenizer(folder / TOKENIZER, max_tokens(settings))


def build_text_tower(settings: config.TextTowerConfig, folder: Path) -> tuple[nn.Module, int]:
    """Build the text tower of a run with random weights; return it with its output width.

    Its inputs are ids and mask, ``(batch, tokens)`` int64.
    """
    match settings:
        case config.FrozenTextConfig(model=name):
            return nn.Identity(), ModelConfig.load(find_model(name)).dim
        case config.WordVectorsConfig():
            vectors = np.load(folder / _VECTORS)
            return WordVectors(vectors), vectors.shape[1]
        case config.TextEncoderConfig():
            encoder = empty_encoder(folder)
            tower = TextEncoder(encoder, settings.pooling, frozen=settings.frozen)
            return tower, encoder.config.hidden_size
        case config.CausalTextConfig():
            reader = empty_encoder(folder)
            return TextEncoder(reader, "last"), reader.config.hidden_size
