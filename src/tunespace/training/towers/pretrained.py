"""Pretrained weights of transformers, and checks of sizes."""

from typing import Any

from tunespace.errors import TrainingError

_HUB = "hf:"


def load_pretrained(kind: Any, name: str, key: str) -> Any:  # noqa: ANN401 - transformers has no types
    """Load a configuration or a tokenizer; ``load_network`` loads weights.

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
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        shown = str(error).strip().splitlines()[0]
        raise TrainingError(f"{key}: {name} cannot be loaded ({shown})") from error


def load_network(kind: Any, name: str, key: str) -> Any:  # noqa: ANN401
    """Load a network with its weights.

    Args:
        kind: Class of transformers.
        name: Folder, or ``hf:owner/name``, which is downloaded once.
        key: Key of the recipe, for errors.

    Raises:
        TrainingError: It cannot be read or downloaded, or the weights do not cover the network.
    """
    network, report = load_pretrained(_WithReport(kind), name, key)
    needed = {name for name, _ in network.named_parameters()}
    # Towers have their own pooling.
    missing = sorted(n for n in needed & set(report["missing_keys"]) if "pooler" not in n)
    if missing:
        raise TrainingError(
            f"{key}: {name} lacks {len(missing)} of {len(needed)} tensors of {kind.__name__}, such "
            f"as {missing[0]}"
        )
    return network


class _WithReport:
    """Class of transformers whose ``from_pretrained`` also returns what it did not find."""

    def __init__(self, kind: Any) -> None:  # noqa: ANN401
        self._kind = kind

    def from_pretrained(self, name: str, **options: Any) -> Any:  # noqa: ANN401
        return self._kind.from_pretrained(name, output_loading_info=True, **options)


def require_heads(where: str, width: int, heads: int) -> None:
    """Check that a width is a multiple of the number of attention heads.

    Raises:
        TrainingError: It is not.
    """
    if width % heads:
        raise TrainingError(f"{where}: heads ({heads}) must divide width ({width})")
