"""Text towers."""

from typing import Annotated, Literal

from pydantic import Field

from tunespace.training.recipe.config.base import ConfigSection


class WordVectorsConfig(ConfigSection):
    """The mean of a text's word vectors, which stay as they are.

    Attributes:
        vectors: A file of GloVe or word2vec in text, ``.gz`` as well, or word2vec's ``.bin``;
            "skip-gram" trains them on the texts of the data and on the lexicon's descriptions;
            "musical" on tags, artists and tracks besides (Doh et al. 2024).
        width: Of vectors that are trained.
        max_words: That are kept of a file, from its start: such files are in order of frequency.
    """

    kind: Literal["words"] = "words"
    vectors: str = "skip-gram"
    width: int = Field(default=100, ge=2)
    max_words: int = Field(default=50_000, ge=1)


class TextEncoderConfig(ConfigSection):
    """A bidirectional transformer.

    Attributes:
        pretrained: A folder or ``hf:owner/name`` in transformers' format; without it a small BERT
            is trained from scratch, with a tokenizer trained on the texts of the data.
        pooling: The first token, or the mean over all.
        frozen: Whether its weights stay as they are.
        max_tokens: That are read of a text.
        width: Of one that is trained from scratch.
        layers: As many.
        heads: In each layer.
        dropout: Of one that is trained from scratch.
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
    """A transformer that reads from left to right, from scratch; its last token counts (CLIP).

    Attributes:
        max_tokens: That are read of a text.
        width: Of a token.
        layers: As many.
        heads: In each layer.
        dropout: Of the attention.
    """

    kind: Literal["causal"] = "causal"
    max_tokens: int = Field(default=77, ge=4)
    width: int = Field(default=512, ge=8)
    layers: int = Field(default=4, ge=1)
    heads: int = Field(default=8, ge=1)
    dropout: float = Field(default=0.2, ge=0, lt=1)


class FrozenTextConfig(ConfigSection):
    """What a model folder reads, as it is: only what follows is trained.

    Attributes:
        model: A bundled name or a folder.
        identity_projection: Whether nothing follows: words stay where they are, and music moves towards them.
    """

    kind: Literal["frozen"] = "frozen"
    model: str = "tunespace-small"
    identity_projection: bool = False


TextTowerConfig = Annotated[
    FrozenTextConfig | WordVectorsConfig | TextEncoderConfig | CausalTextConfig,
    Field(discriminator="kind"),
]
