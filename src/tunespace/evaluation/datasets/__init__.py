"""Published data sets, read from their official files: one file each."""

from pathlib import Path

from tunespace.errors import DataError
from tunespace.evaluation.datasets.base import Dataset
from tunespace.evaluation.datasets.emotify import Emotify
from tunespace.evaluation.manifest import Manifest, load_manifest
from tunespace.evaluation.protocols import STANDARD, Protocol

DATASETS: dict[str, Dataset] = {dataset.name: dataset for dataset in (Emotify(),)}


def load_data(
    name: str, root: Path | None = None, split: str = ""
) -> tuple[Manifest, tuple[Protocol, ...]]:
    """Reads a data set or a manifest, and says which protocols are run on it.

    Args:
        name: Of a data set, or the path of a manifest.
        root: Folder of the data set's files; the current one without.
        split: Of the data set or manifest.

    Raises:
        DataError: There is none such, or something in it is wrong.
    """
    if name in DATASETS:
        dataset = DATASETS[name]
        return dataset.to_manifest(root or Path(), split), dataset.protocols
    path = Path(name)
    if not path.suffix and not path.exists():
        known = ", ".join(sorted(DATASETS))
        raise DataError([f"there is no data set {name!r}; there are {known}, or name a manifest"])
    manifest = load_manifest(path)
    return (manifest.part(split) if split else manifest), STANDARD


__all__ = ["DATASETS", "Dataset", "load_data"]
