"""Pretrained weights of transformers, and checks of sizes."""

from typing import Any

from tunespace.errors import TrainingError

_HUB = "hf:"


def load_pretrained(kind: Any, name: str, key: str) -> Any:  # noqa: ANN401 - transformers has no types
    """Load a network with its weights, or a tokenizer.

    Args:
        kind: Class of transformers.
        name: Folder, or ``hf:owner/name``, which is downloaded once.
        key: Key of the recipe, for errors.

    Raises:
        TrainingError: It cannot be read or downloaded.
    """
    local = not name.startswith(_HUB)
    try:
        return kind.from_pretrained(name.removeprefix(_HUB), local_files_only=local)
    except (OSError, ValueError, KeyError) as error:
        shown = str(error).strip().splitlines()[0]
        raise TrainingError(f"{key}: {name} cannot be loaded ({shown})") from error


def require_heads(where: str, width: int, heads: int) -> None:
    """Check that a width is a multiple of the number of attention heads.

    Raises:
        TrainingError: It is not.
    """
    if width % heads:
        raise TrainingError(f"{where}: heads ({heads}) must divide width ({width})")
