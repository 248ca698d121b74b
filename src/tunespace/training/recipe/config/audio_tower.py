"""Configuration of front end and audio towers."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from tunespace.audio import LogMel
from tunespace.training.recipe.config.base import ConfigSection


class FrontEndConfig(ConfigSection):
    """Log-mel front end, as in ``tunespace.audio.LogMel``.

    Examples:
        >>> FrontEndConfig()
        FrontEndConfig(sample_rate=16000, n_fft=1024, hop=320, n_mels=64, f_min=0.0, f_max=8000.0)
    """

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
        """Return the front end."""
        return LogMel(**self.model_dump())


class LinearConfig(ConfigSection):
    """Mean, deviation and change of each band over time, and a linear map: the baseline.

    Examples:
        >>> LinearConfig()
        LinearConfig(kind='linear', width=128)
    """

    kind: Literal["linear"] = "linear"
    width: int = Field(default=128, ge=1)


class Conv1dConfig(ConfigSection):
    """Five convolutions over time with the bands as channels (Choi et al. 2019).

    Attributes:
        channels: Channels of the first four convolutions.
        width: Channels of the last one, and width of the output.
        kernel_l2: Coefficient of the squared norm of the kernels in the loss.

    Examples:
        >>> Conv1dConfig()
        Conv1dConfig(kind='conv1d', channels=128, width=100, kernel_l2=0.0)
    """

    kind: Literal["conv1d"] = "conv1d"
    channels: int = Field(default=128, ge=1)
    width: int = Field(default=100, ge=1)
    kernel_l2: float = Field(default=0.0, ge=0)


class Conv2dConfig(ConfigSection):
    """Seven convolutions over bands and time, then global max pooling (Won et al. 2021).

    Attributes:
        channels: Channels of the first two convolutions; the next four have twice as many, the last
            four times.
        width: Width of the output.

    Examples:
        >>> Conv2dConfig()
        Conv2dConfig(kind='conv2d', channels=128, width=256)
    """

    kind: Literal["conv2d"] = "conv2d"
    channels: int = Field(default=128, ge=1)
    width: int = Field(default=256, ge=1)


class ShortChunkConfig(ConfigSection):
    """Seven residual convolutions with stride, then max pooling over time (Won et al. 2020).

    Examples:
        >>> ShortChunkConfig()
        ShortChunkConfig(kind='short-chunk', channels=128, width=256)
    """

    kind: Literal["short-chunk"] = "short-chunk"
    channels: int = Field(default=128, ge=1)
    width: int = Field(default=256, ge=1)


class CnnTransformerConfig(ConfigSection):
    """Residual convolutions, then a transformer over time (TTMR, Doh et al. 2023).

    Examples:
        >>> CnnTransformerConfig()
        CnnTransformerConfig(kind='cnn-transformer', channels=128, width=256, layers=4, heads=8,
        dropout=0.1)
    """

    kind: Literal["cnn-transformer"] = "cnn-transformer"
    channels: int = Field(default=128, ge=1)
    width: int = Field(default=256, ge=8)
    layers: int = Field(default=4, ge=1)
    heads: int = Field(default=8, ge=1)
    dropout: float = Field(default=0.1, ge=0, lt=1)


class ResNetConfig(ConfigSection):
    """ResNet with bottlenecks over the spectrogram as an image (He et al. 2016).

    Attributes:
        channels: Channels of the stem; 64 is the ResNet-50 of the papers.
        depths: Number of blocks of the four stages.
        pooling: "mean", or "attention" pooling (CLIP, Radford et al. 2021).
        heads: Number of heads of the attention pooling.
        pretrained: Folder or ``hf:owner/name`` in transformers' format with pretrained weights.

    Examples:
        >>> ResNetConfig()
        ResNetConfig(kind='resnet', channels=64, depths=[3, 4, 6, 3], pooling='attention', heads=8,
        pretrained='')
    """

    kind: Literal["resnet"] = "resnet"
    channels: int = Field(default=64, ge=1)
    depths: list[int] = Field(default=[3, 4, 6, 3], min_length=4, max_length=4)
    pooling: Literal["mean", "attention"] = "attention"
    heads: int = Field(default=8, ge=1)
    pretrained: str = ""


class AstConfig(ConfigSection):
    """Audio spectrogram transformer over patches (Gong et al. 2021).

    Attributes:
        patch: Side of a patch, in bands and in frames.
        stride: Distance between patches; less than ``patch`` for overlapping patches.
        width: Width of a token.
        layers: Number of layers.
        heads: Number of heads of each layer.
        dropout: Dropout of each layer.
        pretrained: Folder or ``hf:owner/name`` in transformers' format with pretrained weights.

    Examples:
        >>> AstConfig()
        AstConfig(kind='ast', patch=16, stride=10, width=768, layers=12, heads=12, dropout=0.0,
        pretrained='')
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
    """Swin transformer over the folded spectrogram (Chen et al. 2022; LAION-CLAP).

    Attributes:
        width: Width of the first stage; 96 is the tiny, 128 the base one of the papers.
        depths: Number of layers of the four stages.
        heads: Number of heads of the four stages.
        side: Side of the image that the spectrogram is folded into; four times its bands.
        window: Window of the attention, in patches of four.
        fusion: Whether a clip longer than the window is read as a whole and in three pieces (Wu et
            al. 2023, section 2.3).
        pretrained: Folder or ``hf:owner/name`` of a CLAP in transformers' format.

    Examples:
        >>> HtsatConfig()
        HtsatConfig(kind='htsat', width=96, depths=[2, 2, 6, 2], heads=[4, 8, 16, 32], side=256,
        window=8, fusion=False, pretrained='')
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
    """Frozen audio tower of a model folder; only the projection is trained.

    Attributes:
        model: Name of a bundled model, or a folder; its front end and window are used.

    Examples:
        >>> FrozenConfig(model="models/mine")
        FrozenConfig(kind='frozen', model='models/mine')
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
