"""Where the weights that a recipe starts from lie."""

_HUB = "hf:"


def source_of(name: str) -> tuple[str, bool]:
    """What transformers calls a folder or ``hf:owner/name``, and whether it is a folder."""
    return name.removeprefix(_HUB), not name.startswith(_HUB)
