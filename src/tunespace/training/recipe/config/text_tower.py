"""Configuration of text towers."""

from typing import Annotated, Literal

from pydantic import Field

from tunespace.training.recipe.config.base import ConfigSection


class WordVectorsConfig(ConfigSection):
    """Mean of a text's word vectors, which are not trained further.

    Attributes:
        vectors: File of GloVe or word2vec in text format, ``.gz`` as well, or word2vec's ``.bin``;
            "skip-gram" trains vectors on the texts of the data and the descriptions of the lexicon;
            "musical" also on tags, artists and tracks (Doh et al. 2024).
        width: Width of trained vectors.
        max_words: Maximum number of words of a file, from its start: files are sorted by frequency.

    Examples:
        >>> WordVectorsConfig()
        WordVectorsConfig(kind='words', vectors='skip-gram', width=100, max_words=50000)
    """

    kind: Literal["words"] = "words"
    vectors: str = "skip-gram"
    width: int = Field(default=100, ge=2)
    max_words: int = Field(default=50_000, ge=1)


class TextEncoderConfig(ConfigSection):
    """Bidirectional transformer.

    Attributes:
        pretrained: Folder or ``hf:owner/name`` in transformers' format; empty for a small BERT from
            scratch, with a tokenizer trained on the texts of the data.
        pooling: "first" token, or "mean" over all tokens.
        frozen: Whether its weights are not trained.
        max_tokens: Maximum number of tokens of a text.
        width: Width of a tower from scratch.
        layers: Number of layers of a tower from scratch.
        heads: Number of attention heads of a tower from scratch.
        dropout: Dropout of a tower from scratch.

    Examples:
        >>> TextEncoderConfig()
        TextEncoderConfig(kind='encoder', pretrained='', pooling='first', frozen=False,
        max_tokens=64, width=128, layers=2, heads=4, dropout=0.1)
    """

    kind: Literal["encoder"] = "encoder"
    pretrained: str = ""
    pooling: Literal["first", "mean"] = "first"
    frozen: bool = False
    max_tokens: int = Field(default=64, ge=4)
    width: int = Field(default=128, ge=8)
    layers: int = Field(default=2, ge=1)
    heads: int = Field(default=4, ge=1)
    dropout: float = Field(default=0.1, ge=0, lt=1)


class CausalTextConfig(ConfigSection):
    """Causal transformer from scratch with the last token as its output (CLIP).

    Attributes:
        max_tokens: Maximum number of tokens of a text.
        width: Width of a token.
        layers: Number of layers.
        heads: Number of attention heads.
        dropout: Dropout of the attention.

    Examples:
        >>> CausalTextConfig()
        CausalTextConfig(kind='causal', max_tokens=77, width=512, layers=4, heads=8, dropout=0.2)
    """

    kind: Literal["causal"] = "causal"
    max_tokens: int = Field(default=77, ge=4)
    width: int = Field(default=512, ge=8)
    layers: int = Field(default=4, ge=1)
    heads: int = Field(default=8, ge=1)
    dropout: float = Field(default=0.2, ge=0, lt=1)


class FrozenTextConfig(ConfigSection):
    """Frozen text tower of a model folder; only the projection is trained.

    Attributes:
        model: Name of a bundled model, or a folder.
        identity_projection: Whether the projection is the identity: text embeddings are fixed, and
            audio embeddings are trained towards them.

    Examples:
        >>> FrozenTextConfig()
        FrozenTextConfig(kind='frozen', model='tunespace-small', identity_projection=False)
    """

    kind: Literal["frozen"] = "frozen"
    model: str = "tunespace-small"
    identity_projection: bool = False


TextTowerConfig = Annotated[
    FrozenTextConfig | WordVectorsConfig | TextEncoderConfig | CausalTextConfig,
    Field(discriminator="kind"),
]
