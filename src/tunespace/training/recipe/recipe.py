"""Recipes: the complete configuration of one system of the literature in one YAML file.

A recipe is read, changed by presets and by ``key=value`` assignments, and then validated as a
whole, so that every error is reported before any work starts. Each section with alternatives has a
``kind``; choosing another kind drops the keys of the old one.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, model_validator

from tunespace.errors import TrainingError
from tunespace.training.recipe import config
from tunespace.training.recipe.catalogue import FOLDER, recipe_names
from tunespace.training.recipe.config import ConfigSection
from tunespace.training.recipe.presets import compose_presets, merge

_KINDS = frozenset(
    value.model_fields["kind"].default
    for value in vars(config).values()
    if isinstance(value, type) and issubclass(value, ConfigSection) and "kind" in value.model_fields
)


class Recipe(ConfigSection):
    """Complete configuration of a system: data, towers, loss and schedule.

    Attributes:
        name: Name for ``tunespace train NAME``.
        title: Title of the paper.
        paper: Authors, venue and arXiv number.
        about: Characteristics of the system, and where this recipe differs from the paper.
        front_end: Log-mel parameters of the audio towers.
        seconds: Length of a training crop and of an inference window, in seconds.
        audio_tower: Audio tower.
        image_tower: Second audio tower that reads the spectrogram as an image.
        text_tower: Text tower.
        captions: Sampler of the training texts of a clip.
        hard_negatives: Sampler of texts that are not true of a clip.
        train_tag_fraction: Fraction of the tags used in training; the others are held out to test
            unseen tags (Choi et al. 2019).
        collaborative: Collaborative-filtering factors of a clip's artist.
        augment: Audio augmentation.
        projection: Projection into the embedding space.
        self_supervision: Self-supervised loss between two crops of a clip.
        loss: Loss between audio and text.
        schedule: Batches, optimizer and number of epochs.
    """

    name: str
    title: str
    paper: str
    about: str = ""
    front_end: config.FrontEndConfig = config.FrontEndConfig()
    seconds: float = Field(default=10.0, gt=0)
    audio_tower: config.AudioTowerConfig
    image_tower: config.AudioTowerConfig | None = None
    text_tower: config.TextTowerConfig
    captions: config.CaptionsConfig
    hard_negatives: config.HardNegativesConfig = config.NoHardNegativesConfig()
    train_tag_fraction: float = Field(default=1.0, gt=0, le=1)
    collaborative: config.CollaborativeConfig = config.CollaborativeConfig()
    augment: config.AugmentConfig = config.AugmentConfig()
    projection: config.ProjectionConfig = config.ProjectionConfig()
    loss: config.LossConfig
    self_supervision: config.SelfSupervisionConfig = config.SelfSupervisionConfig()
    schedule: config.ScheduleConfig = config.ScheduleConfig()

    @model_validator(mode="after")
    def _require_compatible_sections(self) -> "Recipe":
        if isinstance(self.loss, config.ThreeWayConfig) != (self.image_tower is not None):
            raise ValueError("loss.kind three-way and image_tower need each other")
        is_triplet = isinstance(self.loss, config.TripletConfig)
        needs_hard = isinstance(self.loss, config.TripletConfig) and self.loss.negatives == "hard"
        has_hard = not isinstance(self.hard_negatives, config.NoHardNegativesConfig)
        is_frozen = isinstance(self.audio_tower, config.FrozenConfig)
        if needs_hard and not has_hard:
            raise ValueError(
                "loss.negatives hard needs hard_negatives.kind other, swap or negation"
            )
        if has_hard and is_triplet and not needs_hard:
            raise ValueError(
                "hard_negatives.kind has no effect: a triplet loss needs loss.negatives hard"
            )
        if has_hard and isinstance(self.loss, config.SlapConfig):
            raise ValueError("hard_negatives.kind has no effect: loss.kind slap has no negatives")
        if has_hard and isinstance(self.text_tower, config.FrozenTextConfig):
            raise ValueError("hard_negatives.kind cannot be used with text_tower.kind frozen")
        if is_frozen and self.augment != config.AugmentConfig():
            raise ValueError(
                "augment cannot be used with audio_tower.kind frozen: its embeddings are cached"
            )
        if is_frozen and self.image_tower is not None:
            raise ValueError("image_tower cannot be used with audio_tower.kind frozen")
        if self.schedule.sampler == "tags" and isinstance(self.captions, config.ViewsConfig):
            raise ValueError(
                "schedule.sampler tags gives one text a clip, captions.kind views several"
            )
        return self

    @property
    def frames(self) -> int:
        """Number of frames of a crop; 1 for a frozen tower, which gives one vector per window."""
        if isinstance(self.audio_tower, config.FrozenConfig):
            return 1
        return round(self.seconds * self.front_end.sample_rate / self.front_end.hop)

    def as_yaml(self) -> str:
        """Return all values, defaults included, as YAML."""
        values = self.model_dump()
        return str(yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100))


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # it has no types
    """Loader that reads ``1e-4`` as a number, as YAML 1.2 does; YAML 1.1 needs ``1.0e-4``."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)


def load_recipe(name: str, *, presets: Sequence[str] = (), changes: Iterable[str] = ()) -> Recipe:
    """Load a recipe.

    Args:
        name: Name of a built-in recipe, or path of a ``.yaml`` file.
        presets: Names of presets of the recipe, in any order (``compose_presets``).
        changes: Assignments ``key=value`` with a dotted key and a YAML value, for example
            ``loss.temperature=0.1``.

    Raises:
        TrainingError: The recipe does not exist or is not valid; the message names each error.

    Examples:
        >>> recipe = load_recipe("ttmr2023", changes=["projection.dim=64"])
        >>> recipe.projection.dim, recipe.loss.kind
        (64, 'infonce')
    """
    values = read_recipe(name)
    available = values.pop("presets", {})
    values, _ = compose_presets(values, available, presets, name)
    return recipe_from_mapping(values, name, changes=changes)


def preset_overrides(name: str, presets: Sequence[str]) -> list[str]:
    """Return a clause for each value of one preset that another preset replaces or drops.

    Args:
        name: Name of a built-in recipe, or path of a ``.yaml`` file.
        presets: Names of presets of the recipe, in any order.

    Raises:
        TrainingError: The recipe or a preset does not exist, or presets contradict each other.

    Examples:
        >>> preset_overrides("clap2023", ["fusion", "paper"])
        ['fusion sets seconds to 30.72 (paper: 10.0)']
    """
    values = read_recipe(name)
    available = values.pop("presets", {})
    return compose_presets(values, available, presets, name)[1]


def recipe_from_mapping(
    values: Mapping[str, Any], name: str, *, changes: Iterable[str] = ()
) -> Recipe:
    """Validate the keys and values of a recipe.

    Args:
        values: Keys and values of the recipe.
        name: Name of the recipe, for error messages.
        changes: Assignments as in ``load_recipe``.

    Raises:
        TrainingError: The values are not valid; the message names each error.
    """
    for change in changes:
        values = merge(values, _as_mapping(change))
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise TrainingError(f"recipe {name}: {'; '.join(_error_messages(error))}") from error


def read_recipe(name: str) -> dict[str, Any]:
    """Read a recipe with its presets, without validation.

    Raises:
        TrainingError: The recipe does not exist or is not YAML.
    """
    is_file = name.endswith((".yaml", ".yml"))
    if not is_file and name not in recipe_names():
        raise TrainingError(
            f"there is no recipe {name!r}: name a .yaml file, or one of {', '.join(recipe_names())}"
        )
    source = Path(name) if is_file else FOLDER / f"{name}.yaml"
    try:
        values = yaml.load(source.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a safe one
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        shown = " ".join(str(error).split())
        raise TrainingError(f"recipe {name} cannot be read ({shown})") from error
    if not isinstance(values, dict):
        raise TrainingError(f"recipe {name} contains no keys and values")
    return values


def _as_mapping(change: str) -> dict[str, Any]:
    key, separator, text = change.partition("=")
    if not separator or not key.strip():
        raise TrainingError(f"{change!r} is not of the form key=value")
    try:
        value: Any = yaml.load(text, _Loader)  # noqa: S506 - a safe one
    except yaml.YAMLError as error:
        raise TrainingError(f"{change!r}: the value is not valid YAML") from error
    for name in reversed(key.strip().split(".")):
        value = {name: value}
    return dict(value)


def _error_messages(error: ValidationError) -> list[str]:
    """Return one clause for each error."""
    messages = []
    for fault in error.errors(include_url=False):
        # pydantic puts the kind of a section between its name and the name of the key.
        parts = [str(name) for name in fault["loc"]]
        key = ".".join(name for n, name in enumerate(parts) if not n or name not in _KINDS)
        match fault["type"]:
            case "extra_forbidden":
                messages.append(f"unknown key: {key}{_suggestion(key, parts)}")
            case "missing":
                messages.append(f"{key} is missing")
            case "union_tag_invalid":
                choices = str(fault["ctx"]["expected_tags"]).replace("'", "")
                messages.append(f"{key}.kind {fault['ctx']['tag']!r} is none of {choices}")
            case "union_tag_not_found":
                messages.append(f"{key}.kind is missing")
            case _:
                text = fault["msg"].removeprefix("Value error, ")
                text = text.removeprefix("Input ").replace("'", "")
                messages.append(f"{key} {text}, not {fault['input']!r}" if key else text)
    return messages


def _suggestion(key: str, parts: Sequence[str]) -> str:
    """Return " (did you mean KEY?)" for the valid key of the same section that is most similar."""
    section, _, name = key.rpartition(".")
    kind = next((part for part in reversed(parts[:-1]) if part in _KINDS), "")
    if not section:
        valid = set(Recipe.model_fields)
    elif kind:
        valid = {
            field
            for value in vars(config).values()
            if isinstance(value, type)
            and issubclass(value, ConfigSection)
            and "kind" in value.model_fields
            and value.model_fields["kind"].default == kind
            for field in value.model_fields
        }
    else:
        field = Recipe.model_fields.get(section)
        valid = set(getattr(field.annotation, "model_fields", ())) if field else set()
    similar = get_close_matches(name, sorted(valid), n=1)
    return f" (did you mean {section + '.' if section else ''}{similar[0]}?)" if similar else ""
