"""Front end and audio towers."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from tunespace.audio import LogMel
from tunespace.training.recipe.config.base import ConfigSection


class FrontEndConfig(ConfigSection):
    """The log-mel, as in ``tunespace.audio.LogMel``."""

    sample_rate: int = 16_000
    n_fft: int = 1024
    hop: int = 320
    n_mels: int = 64
    f_min: float = 0.0
    f_max: float = 8000.0

    @model_validator(mode="after")
    def _possible(self) -> "FrontEndConfig":
        self.log_mel()
        return self

    def log_mel(self) -> LogMel:
        """The front end itself."""
        return LogMel(**self.model_dump())


class LinearConfig(ConfigSection):
    """Mean, spread and change of each band over time, one linear map: what little costs nothing."""

    kind: Literal["linear"] = "linear"
    width: int = Field(default=128, ge=1)


class Conv1dConfig(ConfigSection):
    """Five convolutions over time, the bands as channels (Choi et al. 2019)."""

    kind: Literal["conv1d"] = "conv1d"
    channels: int = Field(default=128, ge=1)
    width: int = Field(default=100, ge=1)


class Conv2dConfig(ConfigSection):
    """Seven convolutions over bands and time, the maximum over what is left (Won et al. 2021).

    Attributes:
        channels: Of the first two; the next four have twice as many, the last four times.
        width: Of what it gives.
    """

    kind: Literal["conv2d"] = "conv2d"
    channels: int = Field(default=128, ge=1)
    width: int = Field(default=256, ge=1)


class ShortChunkConfig(ConfigSection):
    """Seven residual convolutions with stride, the maximum over time (Won et al. 2020)."""

    kind: Literal["short-chunk"] = "short-chunk"
    channels: int = Field(default=128, ge=1)
    width: int = Field(default=256, ge=1)


class CnnTransformerConfig(ConfigSection):
    """Residual convolutions, then a transformer over time (TTMR, Doh et al. 2023)."""

    kind: Literal["cnn-transformer"] = "cnn-transformer"
    channels: int = Field(default=128, ge=1)
    width: int = Field(default=256, ge=8)
    layers: int = Field(default=4, ge=1)
    heads: int = Field(default=8, ge=1)
    dropout: float = Field(default=0.1, ge=0, lt=1)


class ResNetConfig(ConfigSection):
    """A residual network with bottlenecks over the spectrogram as a picture (He et al. 2016).

    Attributes:
        channels: Of the stem; 64 is the ResNet-50 of the papers.
        depths: Blocks of the four stages.
        pooling: "mean", or "attention" of the mean to all places (CLIP, Radford et al. 2021).
        heads: Of the attention.
        pretrained: A folder or ``hf:owner/name`` in transformers' format, for its weights.
    """

    kind: Literal["resnet"] = "resnet"
    channels: int = Field(default=64, ge=1)
    depths: list[int] = Field(default=[3, 4, 6, 3], min_length=4, max_length=4)
    pooling: Literal["mean", "attention"] = "attention"
    heads: int = Field(default=8, ge=1)
    pretrained: str = ""


class AstConfig(ConfigSection):
    """A transformer over patches of the spectrogram (Gong et al. 2021).

    Attributes:
        patch: Side of a patch, in bands and in frames.
        stride: Between patches; less than their side lets them overlap.
        width: Of a token.
        layers: As many.
        heads: In each layer.
        dropout: In each layer.
        pretrained: A folder or ``hf:owner/name`` in transformers' format, for its weights.
    """

    kind: Literal["ast"] = "ast"
    patch: int = Field(default=16, ge=1)
    stride: int = Field(default=10, ge=1)
    width: int = Field(default=768, ge=8)
    layers: int = Field(default=12, ge=1)
    heads: int = Field(default=12, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    pretrained: str = ""


class HtsatConfig(ConfigSection):
    """A Swin transformer over the folded spectrogram (Chen et al. 2022; LAION-CLAP).

    Attributes:
        width: Of the first stage; 96 is the tiny, 128 the base one of the papers.
        depths: Layers of the four stages.
        heads: Of the four stages.
        side: Of the picture that the spectrogram is folded into; four times its bands.
        window: Of the attention, in patches of four.
        fusion: Whether it hears a clip that is longer than its window whole and in three pieces
            (Wu et al. 2023, section 2.3).
        pretrained: A folder or ``hf:owner/name`` of a CLAP in transformers' format.
    """

    kind: Literal["htsat"] = "htsat"
    width: int = Field(default=96, ge=8)
    depths: list[int] = Field(default=[2, 2, 6, 2], min_length=4, max_length=4)
    heads: list[int] = Field(default=[4, 8, 16, 32], min_length=4, max_length=4)
    side: int = Field(default=256, ge=32)
    window: int = Field(default=8, ge=2)
    fusion: bool = False
    pretrained: str = ""


class FrozenConfig(ConfigSection):
    """What a model folder hears in its own windows, as it is: only what follows is trained.

    Attributes:
        model: A bundled name or a folder; its front end and window are those of the recipe.
    """

    kind: Literal["frozen"] = "frozen"
    model: str = "tunespace-small"


AudioTowerConfig = Annotated[
    FrozenConfig
    | LinearConfig
    | Conv1dConfig
    | Conv2dConfig
    | ShortChunkConfig
    | CnnTransformerConfig
    | ResNetConfig
    | AstConfig
    | HtsatConfig,
    Field(discriminator="kind"),
]
