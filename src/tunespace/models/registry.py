"""Locate models: bundled ones, folders, repositories of the Hugging Face hub."""

from pathlib import Path

from tunespace.errors import ModelError
from tunespace.models.config import ModelConfig, sha256_of

DEFAULT = "tunespace-small"
BUNDLED = Path(__file__).parent / "bundled"
_HUB = "hf:"


def list_models() -> list[str]:
    """Return the names of the bundled models.

    Examples:
        >>> list_models()
        ['tunespace-small']
    """
    return sorted(path.parent.name for path in BUNDLED.glob("*/config.json"))


def find_model(name: str | Path | None = None) -> Path:
    """Return the folder of a model.

    Args:
        name: Name of a bundled model, folder, or ``hf:owner/name`` with an optional ``@revision``,
            which is downloaded once and then available offline; None for the default.

    Raises:
        ModelError: The model does not exist.

    Examples:
        >>> find_model("tunespace-small").name
        'tunespace-small'
    """
    if name is None:
        return BUNDLED / DEFAULT
    if isinstance(name, str) and name.startswith(_HUB):
        return _from_hub(name.removeprefix(_HUB))
    if str(name) in list_models():
        return BUNDLED / str(name)
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise ModelError(
            f"there is no model {str(name)!r}: name a folder, hf:owner/name, or one of "
            f"{', '.join(list_models())}"
        )
    return folder


def check_file(folder: Path, config: ModelConfig, name: str) -> Path:
    """Return the path of a model's file, after checking its content against ``config.json``.

    Raises:
        ModelError: The file is missing or modified.
    """
    path = folder / name
    try:
        digest = sha256_of(path)
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror})") from error
    if digest != config.files[name]:
        raise ModelError(
            f"{path} is not the file that config.json describes (sha256 {digest[:16]}..., not "
            f"{config.files[name][:16]}...): download the model again"
        )
    return path


def _from_hub(name: str) -> Path:
    # Takes longer to import than a search takes.
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    repository, _, revision = name.partition("@")
    try:
        try:
            folder = snapshot_download(repository, revision=revision or None, local_files_only=True)
        except LocalEntryNotFoundError:
            folder = snapshot_download(repository, revision=revision or None)
    except Exception as error:
        raise ModelError(
            f"hf:{name} cannot be downloaded ({type(error).__name__}: {error})"
        ) from error
    return Path(folder)
