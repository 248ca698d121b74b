"""The recipes that come with the package, for those who look for one; needs no torch."""

import re
from dataclasses import dataclass
from importlib.resources import files

import yaml

FOLDER = files("tunespace.training") / "recipes"


@dataclass(frozen=True)
class RecipeEntry:
    """A recipe in short.

    Attributes:
        name: As in ``tunespace train NAME``.
        title: Of the paper.
        paper: Authors, venue, number.
        about: What is characteristic of it.
        presets: Its named variants.
    """

    name: str
    title: str
    paper: str
    about: str
    presets: tuple[str, ...]


def catalogue() -> list[RecipeEntry]:
    """All of them, in the order in which they were published."""
    found = []
    for name in sorted(recipe_names(), key=_year):
        text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
        known = yaml.safe_load(text)
        about = " ".join(str(known.get("about", "")).split())
        presets = tuple(known.get("presets", {}))
        found.append(RecipeEntry(name, known["title"], known["paper"], about, presets))
    return found


def _year(name: str) -> tuple[str, str]:
    digits = re.search(r"\d{4}", name)
    return (digits[0] if digits else "", name)


def recipe_names() -> list[str]:
    """Their names, sorted."""
    return sorted(f.name.removesuffix(".yaml") for f in FOLDER.iterdir() if f.name[-5:] == ".yaml")
