"""Configuration of projection, losses, augmentation and schedule."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from tunespace.training.recipe.config.base import ConfigSection

MP3_WORST = 16


class ProjectionConfig(ConfigSection):
    """Projection of the towers' outputs into one space.

    Attributes:
        dim: Dimension of the embedding space.
        head: "linear"; "norm-linear", layer norm and linear (TTMR); "mlp", linear, ReLU, linear
            (LAION-CLAP); "norm-mlp", linear, batch norm, ReLU, dropout, linear (Won et al. 2021);
            "residual", the tower's output plus a linear map of it that is initialised to zero.
        skip_audio: Whether the output of the audio tower is the embedding, without a projection
            (Choi et al. 2019, Won et al. 2021); it must have ``dim`` values. Features with
            collaborative-filtering factors are projected in any case.

    Examples:
        >>> ProjectionConfig()
        ProjectionConfig(dim=128, head='norm-linear', skip_audio=False)
    """

    dim: int = Field(default=128, ge=2)
    head: Literal["linear", "norm-linear", "mlp", "norm-mlp", "residual"] = "norm-linear"
    skip_audio: bool = False


class CollaborativeConfig(ConfigSection):
    """Collaborative-filtering factors of a clip's artist.

    Attributes:
        factors: File of factors, which ``tunespace.training.collaborative_filtering`` makes from
            play counts; empty for none.
        branch: "cultural", the factors alone; "hybrid", factors and audio (Won et al. 2021).
        dropout: Fraction of the clips whose factors are withheld in hybrid training, so that audio
            alone can be embedded as well.

    Examples:
        >>> CollaborativeConfig()
        CollaborativeConfig(factors='', branch='hybrid', dropout=0.5)
    """

    factors: str = ""
    branch: Literal["cultural", "hybrid"] = "hybrid"
    dropout: float = Field(default=0.5, ge=0, lt=1)


class SelfSupervisionConfig(ConfigSection):
    """Self-supervised loss between two crops of a clip (SimCLR, Chen et al. 2020; MusCALL).

    Attributes:
        weight: Weight of this loss; the loss over texts has the rest. 0 for none.
        temperature: Fixed temperature.
        dim: Dimension of its own projection.

    Examples:
        >>> SelfSupervisionConfig()
        SelfSupervisionConfig(weight=0.0, temperature=0.5, dim=128)
    """

    weight: float = Field(default=0.0, ge=0, lt=1)
    temperature: float = Field(default=0.5, gt=0)
    dim: int = Field(default=128, ge=2)


class InfoNCEConfig(ConfigSection):
    """Symmetric cross entropy over the batch.

    Attributes:
        temperature: Initial temperature.
        learnable: Whether the temperature is learned.
        max_scale: Maximum of ``1 / temperature``.
        mask_duplicates: Whether equal texts of several clips of the batch are not negatives of each
            other.

    Examples:
        >>> InfoNCEConfig(temperature=0.07)
        InfoNCEConfig(kind='infonce', temperature=0.07, learnable=True, max_scale=100.0,
        mask_duplicates=True)
    """

    kind: Literal["infonce"] = "infonce"
    temperature: float = Field(default=0.2, gt=0)
    learnable: bool = True
    max_scale: float = Field(default=100.0, gt=0)
    mask_duplicates: bool = True


class WeightedInfoNCEConfig(ConfigSection):
    """InfoNCE in which texts similar to the others of the batch weigh more (MusCALL).

    Attributes:
        temperature: Initial temperature.
        max_scale: Maximum of ``1 / temperature``.
        mask_duplicates: As in InfoNCE.
        sharpness: Divisor ``k`` in the exponent of the weights.
        text_model: Model whose text tower compares texts: name of a bundled model, or a folder.

    Examples:
        >>> WeightedInfoNCEConfig()
        WeightedInfoNCEConfig(kind='weighted-infonce', temperature=0.07, max_scale=100.0,
        mask_duplicates=True, sharpness=0.01, text_model='tunespace-small')
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
        temperature: Initial temperature.
        max_scale: Maximum of ``1 / temperature``.
        mask_duplicates: As in InfoNCE.

    Examples:
        >>> DecoupledConfig()
        DecoupledConfig(kind='decoupled', temperature=0.1, max_scale=100.0, mask_duplicates=True)
    """

    kind: Literal["decoupled"] = "decoupled"
    temperature: float = Field(default=0.1, gt=0)
    max_scale: float = Field(default=100.0, gt=0)
    mask_duplicates: bool = True


class SigmoidConfig(ConfigSection):
    """Sigmoid loss: each pair is classified independently (SigLIP, Zhai et al. 2023).

    Attributes:
        temperature: Initial temperature.
        bias: Initial bias.
        mask_duplicates: As in InfoNCE.

    Examples:
        >>> SigmoidConfig()
        SigmoidConfig(kind='sigmoid', temperature=0.1, bias=-10.0, mask_duplicates=True)
    """

    kind: Literal["sigmoid"] = "sigmoid"
    temperature: float = Field(default=0.1, gt=0)
    bias: float = -10.0
    mask_duplicates: bool = True


class ThreeWayConfig(ConfigSection):
    """InfoNCE between audio, image and text, each pair with its own temperature (MUSER).

    Attributes:
        temperature: Initial temperature.
        max_scale: Maximum of ``1 / temperature``.
        mask_duplicates: As in InfoNCE.

    Examples:
        >>> ThreeWayConfig()
        ThreeWayConfig(kind='three-way', temperature=0.07, max_scale=100.0, mask_duplicates=True)
    """

    kind: Literal["three-way"] = "three-way"
    temperature: float = Field(default=0.07, gt=0)
    max_scale: float = Field(default=100.0, gt=0)
    mask_duplicates: bool = True


class TripletConfig(ConfigSection):
    """Hinge on the cosines of a positive and a negative.

    Attributes:
        margin: Margin.
        anchor: Modality of the anchor: "audio", "text", or "both" in turn.
        negatives: Sampling within the batch: "random"; "weighted", closer ones more often (Won et
            al. 2021); "weighted-by-labels", closer ones with fewer differing labels more often (Doh
            et al. 2023); "hard", the text of ``hard_negatives``, for an audio anchor.
        reduction: "mean" over the anchors with a negative, or their "sum" (Choi et al. 2019), with
            which a step grows with the batch.

    Examples:
        >>> TripletConfig(margin=0.2, anchor="text")
        TripletConfig(kind='triplet', margin=0.2, anchor='text', negatives='random',
        reduction='mean')
    """

    kind: Literal["triplet"] = "triplet"
    margin: float = Field(default=0.4, gt=0)
    anchor: Literal["audio", "text", "both"] = "both"
    negatives: Literal["random", "weighted", "weighted-by-labels", "hard"] = "random"
    reduction: Literal["mean", "sum"] = "mean"


class SlapConfig(ConfigSection):
    """SLAP: each modality predicts target embeddings of itself and of the other; no negatives.

    Attributes:
        balance: Weight of the prediction across modalities; that within a modality has the rest.
        momentum: Decay of the target network.
        hidden: Width of the predictors.

    Examples:
        >>> SlapConfig()
        SlapConfig(kind='slap', balance=0.5, momentum=0.95, hidden=1024)
    """

    kind: Literal["slap"] = "slap"
    balance: float = Field(default=0.5, gt=0, lt=1)
    momentum: float = Field(default=0.95, gt=0, lt=1)
    hidden: int = Field(default=1024, ge=1)


class AugmentConfig(ConfigSection):
    """Augmentation of training clips: stored copies of the audio, and changes of the log-mel.

    Attributes:
        copies: Number of copies of each clip with another pitch or as MP3; a step uses one of them
            or the clip itself, with equal probability.
        pitch: Maximum pitch shift of a copy in semitones, at the same tempo.
        mp3: Lowest bitrate of a copy as MP3 in kbit/s, such as 32; 0 for none.
        gain_db: Standard deviation of the gain in dB.
        noise_db: Maximum level of added noise below the clip's mean, in dB; each clip draws its own
            level down to 20 dB less, and a tilt. 0 for none.
        shift: Maximum shift in bands, which approximates another pitch.
        mask_bands: Maximum number of neighbouring bands that are masked (SpecAugment, Park et al.
            2019).
        mask_frames: Maximum number of neighbouring frames that are masked.

    Examples:
        >>> AugmentConfig(gain_db=6.0, mask_bands=8)
        AugmentConfig(copies=0, pitch=0.0, mp3=0, gain_db=6.0, noise_db=0.0, shift=0, mask_bands=8,
        mask_frames=0)
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
            raise ValueError("copies needs pitch or mp3, and these need copies")
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
    """Training schedule.

    Attributes:
        epochs: Maximum number of epochs.
        batch_size: Number of clips in a step, over all processes.
        grad_cache_chunks: Number of chunks in which a batch goes through the towers if it does not
            fit into memory; the gradient is that of the whole batch (Gao et al. 2021).
        sampler: "clips", each clip once an epoch; "tags", each tag in turn with a random clip that
            carries it (balanced sampling, Won et al. 2021).
        optimizer: "adam", "adamw" or "sgd".
        learning_rate: Peak learning rate.
        text_learning_rate: Peak learning rate of the text tower; None for the same.
        adam_beta1: Decay of the first moment of "adam" and "adamw".
        adam_beta2: Decay of their second moment.
        adam_eps: Their term against division by zero.
        weight_decay: Weight decay: decoupled for "adamw", in the gradient for the others.
        warmup_fraction: Fraction of the steps of linear warm-up.
        decay: Learning rate after the warm-up: "cosine" decay, "constant", or "plateau", lowered
            when the validation metric does not improve.
        cosine_fraction: Length of the cosine's fall as a fraction of the steps after the warm-up;
            below 1 the rate rises and falls again.
        plateau_factor: Factor of the rate on a plateau.
        plateau_patience: Number of epochs without improvement that are a plateau.
        step_decay: The rate is divided by ``1 + step_decay * step``.
        min_learning_rate: Lowest learning rate after the warm-up.
        max_grad_norm: Maximum norm of the gradient; 0 for no clipping.
        checkpoint_metric: Metric of the validation that chooses the checkpoint: "recall@10", with
            the reciprocal rank among equal ones, or "mrr".
        patience: Number of epochs without improvement in validation after which training stops.
        ema_decay: Decay of the exponential moving average of the weights, which is validated and
            exported; 0 for the weights themselves.
        precision: "32", or "bf16" for devices that are fast with it.
        validation_pairs: Maximum number of validation pairs.
        seed: Random seed of weights, order, texts and everything else.

    Examples:
        >>> ScheduleConfig(epochs=5, batch_size=32)
        ScheduleConfig(epochs=5, batch_size=32, grad_cache_chunks=1, sampler='clips',
        optimizer='adam', learning_rate=0.001, text_learning_rate=None, adam_beta1=0.9,
        adam_beta2=0.999, adam_eps=1e-08, weight_decay=0.0, warmup_fraction=0.1, decay='cosine',
        cosine_fraction=1.0, plateau_factor=0.2, plateau_patience=5, step_decay=0.0,
        min_learning_rate=0.0, max_grad_norm=1.0, checkpoint_metric='recall@10', patience=10,
        ema_decay=0.0, precision='32', validation_pairs=1000, seed=0)
    """

    epochs: int = Field(default=20, ge=1)
    batch_size: int = Field(default=64, ge=2)
    grad_cache_chunks: int = Field(default=1, ge=1)
    sampler: Literal["clips", "tags"] = "clips"
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: float = Field(default=1e-3, gt=0)
    text_learning_rate: float | None = Field(default=None, gt=0)
    adam_beta1: float = Field(default=0.9, ge=0, lt=1)
    adam_beta2: float = Field(default=0.999, ge=0, lt=1)
    adam_eps: float = Field(default=1e-8, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    warmup_fraction: float = Field(default=0.1, ge=0, lt=1)
    decay: Literal["cosine", "constant", "plateau"] = "cosine"
    cosine_fraction: float = Field(default=1.0, gt=0, le=1)
    plateau_factor: float = Field(default=0.2, gt=0, lt=1)
    plateau_patience: int = Field(default=5, ge=1)
    step_decay: float = Field(default=0.0, ge=0)
    min_learning_rate: float = Field(default=0.0, ge=0)
    max_grad_norm: float = Field(default=1.0, ge=0)
    checkpoint_metric: Literal["recall@10", "mrr"] = "recall@10"
    patience: int = Field(default=10, ge=1)
    ema_decay: float = Field(default=0.0, ge=0, lt=1)
    precision: Literal["32", "bf16"] = "32"
    validation_pairs: int = Field(default=1000, ge=2)
    seed: int = Field(default=0, ge=0)
