"""The space, the losses, the loop."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from tunespace.training.recipe.config.base import ConfigSection

MP3_WORST = 16


class ProjectionConfig(ConfigSection):
    """How the towers' outputs come into one space.

    Attributes:
        dim: Of the space.
        head: "linear"; "norm-linear", a layer norm before it (TTMR); "mlp", linear, ReLU,
            linear (LAION-CLAP); "norm-mlp", linear, batch norm, ReLU, dropout, linear (Won et al.
            2021); "residual", what the tower gives and a linear map of it that begins at zero.
    """

    dim: int = Field(default=128, ge=2)
    head: Literal["linear", "norm-linear", "mlp", "norm-mlp", "residual"] = "norm-linear"


class CollaborativeConfig(ConfigSection):
    """What listeners know of a clip's artist: factors of collaborative filtering.

    Attributes:
        factors: A file that ``tunespace.training.collaborative_filtering`` makes of play counts;
            empty for none.
        branch: "cultural", the factors alone; "hybrid", both (Won et al. 2021).
        dropout: Share of the clips whose factors are withheld in hybrid training, so that the
            audio alone can be placed as well.
    """

    factors: str = ""
    branch: Literal["cultural", "hybrid"] = "hybrid"
    dropout: float = Field(default=0.5, ge=0, lt=1)


class SelfSupervisionConfig(ConfigSection):
    """Two stretches of a clip find each other (SimCLR, Chen et al. 2020; MusCALL).

    Attributes:
        weight: Of this loss; the other has the rest. 0 for none.
        temperature: Fixed.
        dim: Of its own projection.
    """

    weight: float = Field(default=0.0, ge=0, lt=1)
    temperature: float = Field(default=0.5, gt=0)
    dim: int = Field(default=128, ge=2)


class InfoNCEConfig(ConfigSection):
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


class WeightedInfoNCEConfig(ConfigSection):
    """InfoNCE in which a text counts more the more the others say the same (MusCALL).

    Attributes:
        temperature: At the start.
        max_scale: Largest ``1 / temperature``.
        mask_duplicates: As in InfoNCE.
        sharpness: Of the weights: the divisor ``k`` of the exponent.
        text_model: The model whose text tower compares texts: a bundled name or a folder.
    """

    kind: Literal["weighted-infonce"] = "weighted-infonce"
    temperature: float = Field(default=0.07, gt=0)
    max_scale: float = Field(default=100.0, gt=0)
    mask_duplicates: bool = True
    sharpness: float = Field(default=0.01, gt=0)
    text_model: str = "tunespace-small"


class DecoupledConfig(ConfigSection):
    """InfoNCE without the positive in the denominator (Yeh et al. 2022; MuQ-MuLan).

    Attributes:
        temperature: At the start.
        max_scale: Largest ``1 / temperature``.
        mask_duplicates: As in InfoNCE.
    """

    kind: Literal["decoupled"] = "decoupled"
    temperature: float = Field(default=0.1, gt=0)
    max_scale: float = Field(default=100.0, gt=0)
    mask_duplicates: bool = True


class SigmoidConfig(ConfigSection):
    """Each pair on its own: right or wrong (SigLIP, Zhai et al. 2023).

    Attributes:
        temperature: At the start.
        bias: At the start.
        mask_duplicates: As in InfoNCE.
    """

    kind: Literal["sigmoid"] = "sigmoid"
    temperature: float = Field(default=0.1, gt=0)
    bias: float = -10.0
    mask_duplicates: bool = True


class ThreeWayConfig(ConfigSection):
    """InfoNCE between audio, picture and text, each with its own temperature (MUSER).

    Attributes:
        temperature: At the start.
        max_scale: Largest ``1 / temperature``.
        mask_duplicates: As in InfoNCE.
    """

    kind: Literal["three-way"] = "three-way"
    temperature: float = Field(default=0.07, gt=0)
    max_scale: float = Field(default=100.0, gt=0)
    mask_duplicates: bool = True


class TripletConfig(ConfigSection):
    """Hinge on the cosine of a positive and of a negative.

    Attributes:
        margin: Between the two.
        anchor: What is held fast: the music, the text, or each in turn.
        negatives: How they are drawn from the batch: each alike; the closer the likelier
            (Won et al. 2021); closer and with fewer differing labels likelier (Doh et al. 2023).
            "hard": the text that ``hard`` wrongly says, for an anchor of music.
    """

    kind: Literal["triplet"] = "triplet"
    margin: float = Field(default=0.4, gt=0)
    anchor: Literal["audio", "text", "both"] = "both"
    negatives: Literal["random", "weighted", "weighted-by-labels", "hard"] = "random"


class SlapConfig(ConfigSection):
    """Each modality predicts what a slower copy says of it and of the other; no negatives (SLAP).

    Attributes:
        balance: Of predicting the other modality against predicting the own one.
        momentum: Of the slower copy; less than in BYOL, as the authors found.
        hidden: Width of the predictors.
    """

    kind: Literal["slap"] = "slap"
    balance: float = Field(default=0.5, gt=0, lt=1)
    momentum: float = Field(default=0.95, gt=0, lt=1)
    hidden: int = Field(default=1024, ge=1)


class AugmentConfig(ConfigSection):
    """What is done to a clip while it trains: to copies of its sound, and to its log-mel.

    Attributes:
        copies: Of each clip that are changed and kept beside it; what is heard each time is one of
            them or the clip itself, each alike.
        pitch: Semitones that a copy is moved up or down, at most, as fast as before.
        mp3: Kilobits a second of the worst MP3 that a copy may be, as 32; 0 for none.
        gain_db: Standard deviation of its gain.
        noise_db: Level of added noise below the clip's mean, at most; each clip draws its own
            between this and 20 dB less, and a tilt. 0 for none.
        shift: Bands that it is moved up or down, at most: another pitch, nearly.
        mask_bands: Neighbouring bands that are hidden, at most (SpecAugment, Park et al. 2019).
        mask_frames: Neighbouring frames that are hidden, at most.
    """

    copies: int = Field(default=0, ge=0)
    pitch: float = Field(default=0.0, ge=0, le=12)
    mp3: int = Field(default=0, ge=0, le=320)
    gain_db: float = Field(default=0.0, ge=0)
    noise_db: float = Field(default=0.0, ge=0)
    shift: int = Field(default=0, ge=0)
    mask_bands: int = Field(default=0, ge=0)
    mask_frames: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _changes_copies(self) -> "AugmentConfig":
        if bool(self.copies) != bool(self.pitch or self.mp3):
            raise ValueError("copies belongs together with pitch or mp3")
        if 0 < self.mp3 < MP3_WORST:
            raise ValueError(f"mp3 must be 0 or at least {MP3_WORST}")
        return self


LossConfig = Annotated[
    InfoNCEConfig
    | WeightedInfoNCEConfig
    | DecoupledConfig
    | SigmoidConfig
    | ThreeWayConfig
    | TripletConfig
    | SlapConfig,
    Field(discriminator="kind"),
]


class ScheduleConfig(ConfigSection):
    """How a system is trained.

    Attributes:
        epochs: Passes over the clips, at most.
        batch_size: Clips in a step, over all processes.
        grad_cache_chunks: In how many pieces a batch goes through the towers where it does not fit into memory
            at once; the gradient is that of the whole batch (Gao et al. 2021).
        sampler: Each clip once an epoch, or each tag in turn with a random clip that carries it
            (balanced sampling, Won et al. 2021).
        optimizer: By name.
        learning_rate: The peak.
        text_learning_rate: Of the text tower, where it differs.
        weight_decay: Of the optimiser.
        warmup_fraction: Share of the steps in which the rate rises; it falls with a cosine afterwards.
        max_grad_norm: Largest norm of the gradient; 0 for none.
        patience: Epochs without a better validation after which it ends.
        ema_decay: Decay of the running average of the weights that is validated and exported; 0 for
            the weights themselves.
        precision: Of the computation: "32", or "bf16" where the device is fast with it.
        validation_pairs: At most so many.
        seed: Of weights, order, texts and everything else that is drawn.
    """

    epochs: int = Field(default=20, ge=1)
    batch_size: int = Field(default=64, ge=2)
    grad_cache_chunks: int = Field(default=1, ge=1)
    sampler: Literal["clips", "tags"] = "clips"
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: float = Field(default=1e-3, gt=0)
    text_learning_rate: float | None = Field(default=None, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    warmup_fraction: float = Field(default=0.1, ge=0, lt=1)
    max_grad_norm: float = Field(default=1.0, ge=0)
    patience: int = Field(default=10, ge=1)
    ema_decay: float = Field(default=0.0, ge=0, lt=1)
    precision: Literal["32", "bf16"] = "32"
    validation_pairs: int = Field(default=1000, ge=2)
    seed: int = Field(default=0, ge=0)
