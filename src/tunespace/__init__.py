"""Music and words in one space: describe music, and the nearest music is the answer."""

import os
from typing import TYPE_CHECKING, Any

# ONNX Runtime reports to its maker as soon as it is imported, unless it is told not to. Nothing
# about anybody's music or machine leaves it by us.
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
    """Imports a public name when it is first used, so that `import tunespace` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
