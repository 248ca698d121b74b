"""Joint embedding of music and text: index a collection and search it with words."""

import os
from typing import TYPE_CHECKING, Any

# ONNX Runtime sends telemetry from its import on, unless this variable is set before.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0.dev0"

if TYPE_CHECKING:
    from tunespace.library import Hit, IndexReport, Library, Query, Track
    from tunespace.models import Model, load_model

__all__ = ["Hit", "IndexReport", "Library", "Model", "Query", "Track", "load_model"]

_HOMES = dict.fromkeys(__all__, "tunespace.library") | {
    "Model": "tunespace.models",
    "load_model": "tunespace.models",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - what a module holds
    """Import a public name on first use, so that ``import tunespace`` is fast."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
