"""A recipe: everything that makes one system of the literature, in one YAML file.

A recipe is read, changed by presets and by ``key=value``, and only then checked, so that whatever
is wrong is said before any work is done. Every part has a ``kind``; naming another kind leaves the
keys of the old one behind.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, model_validator

from tunespace.errors import TrainingError
from tunespace.training.recipe import config
from tunespace.training.recipe.catalogue import FOLDER, recipe_names
from tunespace.training.recipe.config import Part

_KINDS = frozenset(
    value.model_fields["kind"].default
    for value in vars(config).values()
    if isinstance(value, type) and issubclass(value, Part) and "kind" in value.model_fields
)


class Recipe(Part):
    """How a system is built and trained.

    Attributes:
        name: As in ``tunespace train NAME``.
        title: Of the paper.
        paper: Authors, venue, number.
        about: What is characteristic of it, and how far this recipe follows it.
        front_end: The log-mel that the audio tower reads.
        seconds: That it hears at once, in training and in a window of a track.
        audio: The tower for music.
        image: A second one, that sees the spectrogram as a picture.
        text: The tower for words.
        texts: What is said about a clip in training.
        hard: What is wrongly said of it.
        seen_tags: Share of the tags that are learned; the others are kept for the test of unseen
            tags (Choi et al. 2019).
        culture: What listeners know of its artist.
        augment: What is done to its sound while it trains.
        joint: The space.
        self_supervision: What is learned without words.
        loss: What is learned.
        schedule: How.
    """

    name: str
    title: str
    paper: str
    about: str = ""
    front_end: config.FrontEnd = config.FrontEnd()
    seconds: float = Field(default=10.0, gt=0)
    audio: config.AudioTower
    image: config.AudioTower | None = None
    text: config.TextTower
    texts: config.Texts
    hard: config.Hard = config.NoHard()
    seen_tags: float = Field(default=1.0, gt=0, le=1)
    culture: config.Culture = config.Culture()
    augment: config.Augment = config.Augment()
    joint: config.Joint = config.Joint()
    loss: config.Loss
    self_supervision: config.SelfSupervision = config.SelfSupervision()
    schedule: config.Schedule = config.Schedule()

    @model_validator(mode="after")
    def _fits_together(self) -> "Recipe":
        if isinstance(self.loss, config.ThreeWay) != (self.image is not None):
            raise ValueError("loss.kind three-way and image belong together")
        wants_wrong = isinstance(self.loss, config.Triplet) and self.loss.negatives == "hard"
        says_wrong = not isinstance(self.hard, config.NoHard)
        if wants_wrong and not says_wrong:
            raise ValueError("loss.negatives hard needs hard.kind: other, swap or negation")
        if says_wrong and isinstance(self.loss, config.Triplet) and not wants_wrong:
            raise ValueError("hard.kind is not used: a triplet needs loss.negatives hard")
        if says_wrong and isinstance(self.loss, config.Slap):
            raise ValueError("hard.kind is not used: loss.kind slap has no negatives")
        if isinstance(self.audio, config.Frozen) and self.augment != config.Augment():
            raise ValueError("augment is not possible with audio.kind frozen: it has heard already")
        if says_wrong and isinstance(self.text, config.FrozenText):
            raise ValueError("hard.kind is not possible with text.kind frozen")
        if self.image is not None and isinstance(self.audio, config.Frozen):
            raise ValueError("image is not possible with audio.kind frozen")
        if self.schedule.order == "tags" and isinstance(self.texts, config.Views):
            raise ValueError("schedule.order tags says one tag, texts.kind views several texts")
        return self

    @property
    def frames(self) -> int:
        """In a clip; of a frozen tower one, since it gives a vector for each window."""
        if isinstance(self.audio, config.Frozen):
            return 1
        return round(self.seconds * self.front_end.sample_rate / self.front_end.hop)

    def as_yaml(self) -> str:
        """All of it, defaults as well."""
        values = self.model_dump()
        return str(yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100))


def load_recipe(name: str, *, presets: Sequence[str] = (), changes: Iterable[str] = ()) -> Recipe:
    """Reads a recipe.

    Args:
        name: Of one that comes with the package, or a file (.yaml).
        presets: Named in the recipe; applied in this order.
        changes: ``key=value`` with a dotted key and a value in YAML, as ``loss.temperature=0.1``.

    Raises:
        TrainingError: There is none of this name, or something in it is wrong; says what.
    """
    found = _read(name)
    known = found.pop("presets", {})
    for preset in presets:
        if preset not in known:
            there = f"it has {', '.join(known)}" if known else "it has none"
            raise TrainingError(f"recipe {name} has no preset {preset!r}: {there}")
        found = _changed(found, known[preset])
    return recipe_from(found, name, changes=changes)


def recipe_from(found: Mapping[str, Any], name: str, *, changes: Iterable[str] = ()) -> Recipe:
    """Checks keys and values.

    Args:
        found: What a recipe says.
        name: For what is wrong with it.
        changes: As for ``load_recipe``.

    Raises:
        TrainingError: Something in it is wrong; says what.
    """
    for change in changes:
        found = _changed(found, _as_mapping(change))
    try:
        return Recipe.model_validate(found)
    except ValidationError as error:
        raise TrainingError(f"recipe {name}: {'; '.join(_faults(error))}") from error


def _read(name: str) -> dict[str, Any]:
    is_file = name.endswith((".yaml", ".yml"))
    if not is_file and name not in recipe_names():
        raise TrainingError(
            f"there is no recipe {name!r}: name a .yaml file, or one of {', '.join(recipe_names())}"
        )
    source = Path(name) if is_file else FOLDER / f"{name}.yaml"
    try:
        found = yaml.safe_load(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        shown = " ".join(str(error).split())
        raise TrainingError(f"recipe {name} cannot be read ({shown})") from error
    if not isinstance(found, dict):
        raise TrainingError(f"recipe {name} holds no keys and values")
    return found


def _as_mapping(change: str) -> dict[str, Any]:
    key, mark, value = change.partition("=")
    if not mark or not key.strip():
        raise TrainingError(f"{change!r} is not of the form key=value")
    try:
        found: Any = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise TrainingError(f"{change!r}: its value is not YAML") from error
    for name in reversed(key.strip().split(".")):
        found = {name: found}
    return dict(found)


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """``old`` with what ``new`` says; what is inside of both is merged."""
    kind = new.get("kind", old.get("kind"))
    merged = dict(old) if kind == old.get("kind") else {}
    for key, value in new.items():
        before = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(before, Mapping)
        merged[key] = _changed(before or {}, value) if both else value
    return merged


def _faults(error: ValidationError) -> list[str]:
    """A clause for each fault."""
    found = []
    for fault in error.errors(include_url=False):
        # Between the name of a part and the name of its key stands its kind, which nobody wrote.
        place = [str(name) for name in fault["loc"]]
        where = ".".join(name for n, name in enumerate(place) if not n or name not in _KINDS)
        match fault["type"]:
            case "extra_forbidden":
                found.append(f"{where or 'it'} is no key that is known")
            case "missing":
                found.append(f"{where} is missing")
            case "union_tag_invalid":
                choice = str(fault["ctx"]["expected_tags"]).replace("'", "")
                found.append(f"{where}.kind {fault['ctx']['tag']!r} is none of {choice}")
            case "union_tag_not_found":
                found.append(f"{where}.kind is missing")
            case _:
                said = fault["msg"].removeprefix("Value error, ")
                said = said.removeprefix("Input ").replace("'", "")
                found.append(f"{where} {said}, not {fault['input']!r}" if where else said)
    return found
