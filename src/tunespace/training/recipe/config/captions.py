"""Configuration of training captions and of hard negatives."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from tunespace.training.recipe.config.base import ConfigSection


class OneTagConfig(ConfigSection):
    """One tag of the clip.

    Examples:
        >>> OneTagConfig()
        OneTagConfig(kind='tag')
    """

    kind: Literal["tag"] = "tag"


class AllTagsConfig(ConfigSection):
    """All tags of a clip, joined: what TTMR calls a caption.

    Examples:
        >>> AllTagsConfig()
        AllTagsConfig(kind='tags')
    """

    kind: Literal["tags"] = "tags"


class StochasticTagsConfig(ConfigSection):
    """Any number of the clip's tags in random order (TTMR, Doh et al. 2023).

    Examples:
        >>> StochasticTagsConfig()
        StochasticTagsConfig(kind='stochastic')
    """

    kind: Literal["stochastic"] = "stochastic"


class CaptionConfig(ConfigSection):
    """One caption of the clip.

    Attributes:
        keep: Probability that a clause is kept (augmented view dropout, Manco et al. 2024).

    Examples:
        >>> CaptionConfig()
        CaptionConfig(kind='caption', keep=1.0)
    """

    kind: Literal["caption"] = "caption"
    keep: float = Field(default=1.0, gt=0, le=1)


class TemplateConfig(ConfigSection):
    """Tags of the clip within a sentence (MUSER, Chen et al. 2022).

    Attributes:
        template: Sentence with ``{tags}`` for the tags.
        stochastic: Whether to use any number of the tags instead of all.

    Examples:
        >>> TemplateConfig(template="a song with {tags}")
        TemplateConfig(kind='template', template='a song with {tags}', stochastic=False)
    """

    kind: Literal["template"] = "template"
    template: str = "the music is characterized by {tags}"
    stochastic: bool = False

    @field_validator("template")
    @classmethod
    def _with_place(cls, template: str) -> str:
        if "{tags}" not in template:
            raise ValueError("must hold {tags}")
        return template


class TagsToCaptionConfig(ConfigSection):
    """Sentence about any number of the clip's tags.

    Attributes:
        templates: "built-in"; or "mined", templates of the captions of the data (the built-in ones
            for tags that fit none).

    Examples:
        >>> TagsToCaptionConfig()
        TagsToCaptionConfig(kind='tags-to-caption', templates='built-in')
    """

    kind: Literal["tags-to-caption"] = "tags-to-caption"
    templates: Literal["built-in", "mined"] = "built-in"


class MetadataConfig(ConfigSection):
    """Title, artist and album, as far as they are known (TTMR++, Doh et al. 2024).

    Examples:
        >>> MetadataConfig()
        MetadataConfig(kind='metadata')
    """

    kind: Literal["metadata"] = "metadata"


class SimilarArtistsConfig(ConfigSection):
    """Artists that are similar to the clip's artist (TTMR++).

    Attributes:
        max_names: Maximum number of names.

    Examples:
        >>> SimilarArtistsConfig()
        SimilarArtistsConfig(kind='similar', max_names=5)
    """

    kind: Literal["similar"] = "similar"
    max_names: int = Field(default=5, ge=1)


class ArtistConfig(ConfigSection):
    """Artist of the clip as one word, ``artist:name`` (Doh et al. 2024, musical word embedding).

    Examples:
        >>> ArtistConfig()
        ArtistConfig(kind='artist')
    """

    kind: Literal["artist"] = "artist"


class TrackConfig(ConfigSection):
    """Clip as one word, ``track:id`` (Doh et al. 2024, musical word embedding).

    Examples:
        >>> TrackConfig()
        TrackConfig(kind='track')
    """

    kind: Literal["track"] = "track"


class PoolConfig(ConfigSection):
    """Any number of several texts, shuffled and joined (TTMR++).

    Attributes:
        of: Texts; those that a clip has no data for are left out.

    Examples:
        >>> PoolConfig(of=[OneTagConfig(), ArtistConfig()])
        PoolConfig(kind='pool', of=[OneTagConfig(kind='tag'), ArtistConfig(kind='artist')])
    """

    kind: Literal["pool"] = "pool"
    of: list["CaptionsConfig"] = Field(min_length=1)


class WeightedCaptionsConfig(ConfigSection):
    """Text of a mixture with its weight.

    Examples:
        >>> WeightedCaptionsConfig(weight=2.0, captions=CaptionConfig())
        WeightedCaptionsConfig(weight=2.0, captions=CaptionConfig(kind='caption', keep=1.0))
    """

    weight: float = Field(gt=0)
    captions: "CaptionsConfig"


class MixtureConfig(ConfigSection):
    """Mixture: one of several texts, drawn by weight (MuLan, Huang et al. 2022).

    Attributes:
        of: Weighted texts; those that a clip has no data for are left out.

    Examples:
        >>> MixtureConfig(of=[WeightedCaptionsConfig(weight=1.0, captions=CaptionConfig())])
        MixtureConfig(kind='mixture', of=[WeightedCaptionsConfig(weight=1.0,
        captions=CaptionConfig(kind='caption', keep=1.0))])
    """

    kind: Literal["mixture"] = "mixture"
    of: list[WeightedCaptionsConfig] = Field(min_length=1)


class ViewsConfig(ConfigSection):
    """Several texts at once, each with a loss of its own (multi-view captions; prototypes).

    Attributes:
        of: Texts.

    Examples:
        >>> ViewsConfig(of=[OneTagConfig(), ArtistConfig()])
        ViewsConfig(kind='views', of=[OneTagConfig(kind='tag'), ArtistConfig(kind='artist')])
    """

    kind: Literal["views"] = "views"
    of: list["CaptionsConfig"] = Field(min_length=1)


CaptionsConfig = Annotated[
    OneTagConfig
    | AllTagsConfig
    | StochasticTagsConfig
    | CaptionConfig
    | TemplateConfig
    | TagsToCaptionConfig
    | MetadataConfig
    | SimilarArtistsConfig
    | ArtistConfig
    | TrackConfig
    | PoolConfig
    | MixtureConfig
    | ViewsConfig,
    Field(discriminator="kind"),
]


class NoHardNegativesConfig(ConfigSection):
    """No hard negatives: negatives are the texts of the other clips.

    Examples:
        >>> NoHardNegativesConfig()
        NoHardNegativesConfig(kind='none')
    """

    kind: Literal["none"] = "none"


class OtherTextConfig(ConfigSection):
    """Tag, artist or track of another clip, all with equal probability (Choi et al. 2019).

    Examples:
        >>> OtherTextConfig()
        OtherTextConfig(kind='other')
    """

    kind: Literal["other"] = "other"


class SwapConfig(ConfigSection):
    """Training text with one of its tags replaced (TextSwap, Manco et al. 2024).

    Attributes:
        from_epoch: Fraction of the epochs after which hard negatives are used.

    Examples:
        >>> SwapConfig()
        SwapConfig(kind='swap', from_epoch=0.2)
    """

    kind: Literal["swap"] = "swap"
    from_epoch: float = Field(default=0.2, ge=0, lt=1)


class NegationConfig(ConfigSection):
    """Training text with one of its tags negated; true negations are added to some training texts.

    After Vasilakis et al. 2026.

    Attributes:
        share: Fraction of the training texts that get a true negation.

    Examples:
        >>> NegationConfig()
        NegationConfig(kind='negation', share=0.3)
    """

    kind: Literal["negation"] = "negation"
    share: float = Field(default=0.3, ge=0, le=1)


HardNegativesConfig = Annotated[
    NoHardNegativesConfig | OtherTextConfig | SwapConfig | NegationConfig,
    Field(discriminator="kind"),
]

for _part in (PoolConfig, WeightedCaptionsConfig, MixtureConfig, ViewsConfig):
    _part.model_rebuild()
