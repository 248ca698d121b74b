"""What towers of transformers share: weights to start from, sizes that fit together."""

from typing import Any

from tunespace.errors import TrainingError

_HUB = "hf:"


def load_pretrained(kind: Any, name: str, key: str) -> Any:  # noqa: ANN401 - transformers has no types
    """A network with its weights, or a tokenizer.

    Args:
        kind: A class of transformers.
        name: A folder, or ``hf:owner/name``, which is fetched once.
        key: Of the recipe, for what is wrong.

    Raises:
        TrainingError: It cannot be read or fetched.
    """
    local = not name.startswith(_HUB)
    try:
        return kind.from_pretrained(name.removeprefix(_HUB), local_files_only=local)
    except (OSError, ValueError, KeyError) as error:
        shown = str(error).strip().splitlines()[0]
        raise TrainingError(f"{key}: {name} cannot be loaded ({shown})") from error


def require_heads(where: str, width: int, heads: int) -> None:
    """Makes sure that a width can be split among heads of attention.

    Raises:
        TrainingError: It cannot.
    """
    if width % heads:
        raise TrainingError(f"{where}: heads ({heads}) must divide width ({width})")
