"""Composition of presets: variants of a recipe that can be combined.

The result does not depend on the order in which presets are named: they are applied in the order
in which the recipe declares them, ``paper`` before all others. A preset named ``a+b`` is applied
if both a and b are chosen. Variants that set a key to different values contradict each other.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tunespace.errors import TrainingError

BASE = "paper"
Values = Mapping[str, Any]


def compose_presets(
    values: Values, available: Mapping[str, Values], chosen: Sequence[str], recipe: str
) -> tuple[dict[str, Any], list[str]]:
    """Return the values of a recipe with presets, and what one preset changes of another.

    Args:
        values: Keys and values of the recipe.
        available: Presets of the recipe by name, in the order of their declaration.
        chosen: Names of presets, in any order.
        recipe: Name of the recipe, for errors.

    Raises:
        TrainingError: There is no such preset, or two presets contradict each other.
    """
    choices = [name for name in available if "+" not in name]
    for name in chosen:
        if name not in choices:
            known = f"choose from {', '.join(choices)}" if choices else "it has no presets"
            raise TrainingError(f"recipe {recipe} has no preset {name!r}: {known}")
    _require_compatible(available, [name for name in choices if name in chosen], recipe)
    applied = [name for name in available if set(name.split("+")) <= set(chosen)]
    applied.sort(key=lambda name: (name != BASE, name.count("+")))
    result = dict(values)
    origins: dict[str, str] = {}
    overrides = []
    for name in applied:
        before, result = result, merge(result, available[name])
        overrides += _overrides(before, result, origins, name)
        origins |= dict.fromkeys((key for key, _ in _leaves(available[name])), name)
    return result, overrides


def merge(old: Values, new: Values) -> dict[str, Any]:
    """Return ``old`` updated by ``new``, nested mappings merged; a new ``kind`` drops old keys."""
    kind = new.get("kind", old.get("kind"))
    merged = dict(old) if kind == old.get("kind") else {}
    for key, value in new.items():
        before = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(before, Mapping)
        merged[key] = merge(before or {}, value) if both else value
    return merged


def _require_compatible(
    available: Mapping[str, Values], chosen: Sequence[str], recipe: str
) -> None:
    """Raise an error for two variants that set a key to different values."""
    set_by: dict[str, tuple[str, object]] = {}
    for name in chosen:
        if name == BASE:
            continue
        for key, value in _leaves(available[name]):
            other, before = set_by.setdefault(key, (name, value))
            if before != value:
                raise TrainingError(
                    f"recipe {recipe}: the presets {other} and {name} contradict each other: "
                    f"{key} is {before} and {value}"
                )


def _overrides(before: Values, after: Values, origins: Mapping[str, str], name: str) -> list[str]:
    """Return a clause for each value of an earlier preset that a preset replaces or drops."""
    new = dict(_leaves(after))
    clauses = []
    for key, value in _leaves(before):
        origin = origins.get(key)
        if origin is None or origin == name or new.get(key) == value:
            continue
        if key in new:
            clauses.append(f"{name} sets {key} to {new[key]} ({origin}: {value})")
        else:
            clauses.append(f"{name} drops {key} ({origin}: {value})")
    return clauses


def _leaves(values: Values, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the dotted key and the value of each entry that is no mapping."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
