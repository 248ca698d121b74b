"""What is said about a clip, and what is wrongly said of it."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from tunespace.training.recipe.config.base import ConfigSection


class OneTagConfig(ConfigSection):
    """One of its tags."""

    kind: Literal["tag"] = "tag"


class AllTagsConfig(ConfigSection):
    """All of its tags, joined: what TTMR calls a caption."""

    kind: Literal["tags"] = "tags"


class StochasticTagsConfig(ConfigSection):
    """Any number of its tags in any order (TTMR, Doh et al. 2023)."""

    kind: Literal["stochastic"] = "stochastic"


class CaptionConfig(ConfigSection):
    """One of its captions.

    Attributes:
        keep: Share of its clauses that stay, each on its own: views of a part of what is known
            (augmented view dropout, Manco et al. 2024).
    """

    kind: Literal["caption"] = "caption"
    keep: float = Field(default=1.0, gt=0, le=1)


class TemplateConfig(ConfigSection):
    """Its tags within a sentence (MUSER, Chen et al. 2022).

    Attributes:
        template: With ``{tags}`` where they stand.
        stochastic: Any number of them instead of all.
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
    """A sentence about any number of its tags, built in the ways that captions are written.

    Attributes:
        templates: "own", those of this package; "mined", those in which the captions of the data are
            written, with its tags in the places of theirs (the own ones where none fits).
    """

    kind: Literal["tags-to-caption"] = "tags-to-caption"
    templates: Literal["built-in", "mined"] = "built-in"


class MetadataConfig(ConfigSection):
    """Title, artist and album (TTMR++, Doh et al. 2024), or what of them is known."""

    kind: Literal["metadata"] = "metadata"


class SimilarArtistsConfig(ConfigSection):
    """Artists that its artist is like (TTMR++).

    Attributes:
        max_names: That are named at once.
    """

    kind: Literal["similar"] = "similar"
    max_names: int = Field(default=5, ge=1)


class ArtistConfig(ConfigSection):
    """Its artist as one word, ``artist:name`` (Doh et al. 2024, musical word embedding)."""

    kind: Literal["artist"] = "artist"


class TrackConfig(ConfigSection):
    """The clip itself as one word, ``track:id`` (Doh et al. 2024, musical word embedding)."""

    kind: Literal["track"] = "track"


class PoolConfig(ConfigSection):
    """Any number of several texts, shuffled and joined (TTMR++).

    Attributes:
        of: The texts; those that cannot be said of a clip are left out.
    """

    kind: Literal["pool"] = "pool"
    of: list["CaptionsConfig"] = Field(min_length=1)


class WeightedCaptionsConfig(ConfigSection):
    """One of a mixture."""

    weight: float = Field(gt=0)
    captions: "CaptionsConfig"


class MixtureConfig(ConfigSection):
    """One of several texts, by weight (MuLan, Huang et al. 2022).

    Attributes:
        of: The texts; those that cannot be said of a clip are left out.
    """

    kind: Literal["mixture"] = "mixture"
    of: list[WeightedCaptionsConfig] = Field(min_length=1)


class ViewsConfig(ConfigSection):
    """Several texts at once, each of which is learned (multi-view captions; prototypes).

    Attributes:
        of: The texts.
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
    """Nothing wrong is said: negatives are what is said of the other clips."""

    kind: Literal["none"] = "none"


class OtherTextConfig(ConfigSection):
    """A tag, an artist or a track of others, each alike (Choi et al. 2019)."""

    kind: Literal["other"] = "other"


class SwapConfig(ConfigSection):
    """The text with one of its tags exchanged (TextSwap, Manco et al. 2024).

    Attributes:
        from_epoch: From when on, as a share of all epochs; before it no text is exchanged.
    """

    kind: Literal["swap"] = "swap"
    from_epoch: float = Field(default=0.2, ge=0, lt=1)


class NegationConfig(ConfigSection):
    """The text with one of its tags denied; and true denials among what is said.

    After Vasilakis et al. 2026.

    Attributes:
        share: Of the texts to which a true denial is added.
    """

    kind: Literal["negation"] = "negation"
    share: float = Field(default=0.3, ge=0, le=1)


HardNegativesConfig = Annotated[
    NoHardNegativesConfig | OtherTextConfig | SwapConfig | NegationConfig,
    Field(discriminator="kind"),
]

for _part in (PoolConfig, WeightedCaptionsConfig, MixtureConfig, ViewsConfig):
    _part.model_rebuild()
