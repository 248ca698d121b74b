"""Catalogue of the built-in recipes; needs no torch."""

import re
from dataclasses import dataclass
from importlib.resources import files

import yaml

FOLDER = files("tunespace.training") / "recipes"


@dataclass(frozen=True)
class RecipeEntry:
    """Summary of a recipe.

    Attributes:
        name: Name for ``tunespace train NAME``.
        title: Title of the paper.
        paper: Authors, venue and arXiv number.
        about: Characteristics of the system.
        presets: Names of its variants.
    """

    name: str
    title: str
    paper: str
    about: str
    presets: tuple[str, ...]


def catalogue() -> list[RecipeEntry]:
    """Return all recipes in the order of their publication."""
    entries = []
    for name in sorted(recipe_names(), key=_year):
        text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
        known = yaml.safe_load(text)
        about = " ".join(str(known.get("about", "")).split())
        presets = tuple(name for name in known.get("presets", {}) if "+" not in name)
        entries.append(RecipeEntry(name, known["title"], known["paper"], about, presets))
    return entries


def _year(name: str) -> tuple[str, str]:
    digits = re.search(r"\d{4}", name)
    return (digits[0] if digits else "", name)


def recipe_names() -> list[str]:
    """Return the names of all recipes, sorted.

    Examples:
        >>> "ttmr2023" in recipe_names()
        True
    """
    return sorted(f.name.removesuffix(".yaml") for f in FOLDER.iterdir() if f.name[-5:] == ".yaml")
