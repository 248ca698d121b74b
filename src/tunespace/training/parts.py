"""The parts of a recipe: what each reads, with the values it has where a recipe says nothing.

What a part does stands where it is built: ``towers``, ``losses``, ``texts``.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tunespace.audio import LogMel


class Part(BaseModel):
    """Keys and values; an unknown key or another type is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FrontEnd(Part):
    """The log-mel, as in ``tunespace.audio.LogMel``."""

    sample_rate: int = 16_000
    n_fft: int = 1024
    hop: int = 320
    n_mels: int = 64
    f_min: float = 0.0
    f_max: float = 8000.0

    @model_validator(mode="after")
    def _possible(self) -> "FrontEnd":
        self.log_mel()
        return self

    def log_mel(self) -> LogMel:
        """The front end itself."""
        return LogMel(**self.model_dump())


# Audio towers -----------------------------------------------------------------------------------


class CnnTransformer(Part):
    """Residual convolutions, then a transformer over time (TTMR, Doh et al. 2023)."""

    kind: Literal["cnn-transformer"] = "cnn-transformer"
    channels: int = Field(default=128, ge=1)
    width: int = Field(default=256, ge=8)
    layers: int = Field(default=4, ge=1)
    heads: int = Field(default=8, ge=1)
    dropout: float = Field(default=0.1, ge=0, lt=1)


class Linear(Part):
    """Mean, spread and change of each band over time, one linear map: what little costs nothing."""

    kind: Literal["linear"] = "linear"
    width: int = Field(default=128, ge=1)


# Text towers ------------------------------------------------------------------------------------


class WordVectors(Part):
    """The mean of a text's word vectors, which stay as they are.

    Attributes:
        vectors: A file of GloVe or word2vec in text, ``.gz`` as well, or word2vec's ``.bin``;
            "skip-gram" trains them on the texts of the data and on the lexicon's descriptions.
        width: Of vectors that are trained.
        most_words: That are kept of a file, from its start: such files are in order of frequency.
    """

    kind: Literal["words"] = "words"
    vectors: str = "skip-gram"
    width: int = Field(default=100, ge=2)
    most_words: int = Field(default=50_000, ge=1)


class TextEncoder(Part):
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


# What is said about a clip ----------------------------------------------------------------------


class OneTag(Part):
    """One of its tags."""

    kind: Literal["tag"] = "tag"


class AllTags(Part):
    """All of its tags, joined: what TTMR calls a caption."""

    kind: Literal["tags"] = "tags"


class StochasticTags(Part):
    """Any number of its tags in any order (TTMR, Doh et al. 2023)."""

    kind: Literal["stochastic"] = "stochastic"


class Captions(Part):
    """One of its captions."""

    kind: Literal["caption"] = "caption"


# The space --------------------------------------------------------------------------------------


class Joint(Part):
    """How the towers' outputs come into one space.

    Attributes:
        dim: Of the space.
        projection: "linear"; "norm-linear", a layer norm before it (TTMR); "mlp", linear, ReLU,
            linear (LAION-CLAP).
    """

    dim: int = Field(default=128, ge=2)
    projection: Literal["linear", "norm-linear", "mlp"] = "norm-linear"


# Losses -----------------------------------------------------------------------------------------


class InfoNCE(Part):
    """Symmetric cross entropy over the batch.

    Attributes:
        temperature: At the start.
        learnable: Whether it is learned.
        max_scale: Largest ``1 / temperature``.
        mask_duplicates: Whether texts that are said of several clips of the batch are no negatives
            of each other.
    """

    kind: Literal["infonce"] = "infonce"
    temperature: float = Field(default=0.2, gt=0)
    learnable: bool = True
    max_scale: float = Field(default=100.0, gt=0)
    mask_duplicates: bool = True


class Triplet(Part):
    """Hinge on the cosine of a positive and of a negative.

    Attributes:
        margin: Between the two.
        anchor: What is held fast: the music, the text, or each in turn.
        negatives: How they are drawn from the batch: each alike; the closer the likelier
            (Won et al. 2021); closer and with fewer differing labels likelier (Doh et al. 2023).
    """

    kind: Literal["triplet"] = "triplet"
    margin: float = Field(default=0.4, gt=0)
    anchor: Literal["audio", "text", "both"] = "both"
    negatives: Literal["random", "weighted", "weighted-by-labels"] = "random"


# The loop ---------------------------------------------------------------------------------------


class Schedule(Part):
    """How a system is trained.

    Attributes:
        epochs: Passes over the clips, at most.
        batch: Clips in a step, over all processes.
        parts: In how many pieces a batch goes through the towers where it does not fit into memory
            at once; the gradient is that of the whole batch (Gao et al. 2021).
        optimiser: By name.
        learning_rate: The peak.
        text_learning_rate: Of the text tower, where it differs.
        weight_decay: Of the optimiser.
        warm_up: Share of the steps in which the rate rises; it falls with a cosine afterwards.
        clip: Largest norm of the gradient; 0 for none.
        patience: Epochs without a better validation after which it ends.
        validation_pairs: At most so many.
        seed: Of weights, order, texts and everything else that is drawn.
    """

    epochs: int = Field(default=20, ge=1)
    batch: int = Field(default=64, ge=2)
    parts: int = Field(default=1, ge=1)
    optimiser: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: float = Field(default=1e-3, gt=0)
    text_learning_rate: float | None = Field(default=None, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    warm_up: float = Field(default=0.1, ge=0, lt=1)
    clip: float = Field(default=1.0, ge=0)
    patience: int = Field(default=10, ge=1)
    validation_pairs: int = Field(default=1000, ge=2)
    seed: int = Field(default=0, ge=0)


AudioTower = CnnTransformer | Linear
TextTower = WordVectors | TextEncoder
Texts = OneTag | AllTags | StochasticTags | Captions
Loss = InfoNCE | Triplet
