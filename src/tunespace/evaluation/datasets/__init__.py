"""Published data sets, each read from its official files by a file of its own."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tunespace.data.manifest import Item, Manifest, load_manifest, no_problems
from tunespace.errors import DataError
from tunespace.evaluation.datasets.base import Dataset
from tunespace.evaluation.datasets.ecals import Ecals
from tunespace.evaluation.datasets.emotify import Emotify
from tunespace.evaluation.datasets.fma import Fma
from tunespace.evaluation.datasets.gtzan import Gtzan
from tunespace.evaluation.datasets.lp_musiccaps import LpMusicCaps
from tunespace.evaluation.datasets.magnatagatune import MagnaTagATune
from tunespace.evaluation.datasets.mtg_jamendo import MtgJamendo
from tunespace.evaluation.datasets.musiccaps import MusicCaps
from tunespace.evaluation.datasets.song_describer import SongDescriber
from tunespace.evaluation.protocols import STANDARD, Protocol

DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        Ecals(),
        Emotify(),
        Fma(),
        Gtzan(),
        LpMusicCaps(),
        MagnaTagATune(),
        MtgJamendo(),
        MusicCaps(),
        SongDescriber(),
    )
}


def load_data(
    name: str,
    root: Path | None = None,
    split: str = "",
    *,
    faults: Callable[[Sequence[Item]], list[str]] = no_problems,
) -> tuple[Manifest, tuple[Protocol, ...]]:
    """Load a data set or a manifest, with the protocols that are run on it.

    Args:
        name: Name of a data set, or path of a manifest.
        root: Folder of the data set's files; None for the current folder.
        split: Split; empty for the default.
        faults: Further check of the clips that returns problems, such as ``missing_audio``; all
            problems are reported at once.

    Raises:
        DataError: The data set does not exist, or is not valid.

    Examples:
        >>> manifest, protocols = load_data("music.csv")
        >>> manifest.name, len(manifest.items)
        ('music', 3)
    """
    if name in DATASETS:
        dataset = DATASETS[name]
        manifest = dataset.to_manifest(root or Path(), split)
        if not manifest.items:
            raise DataError([f"{manifest.name}: contains no clips"])
        if problems := faults(manifest.items):
            raise DataError(problems)
        remarks = tuple(
            f"{file} is not as it was published (its SHA-256 differs)"
            for file in dataset.modified_files(root or Path())
        )
        chosen = dataset.resolve_split(split)
        return replace(manifest, remarks=remarks, data=name, split=chosen), dataset.protocols
    path = Path(name)
    if not path.suffix and not path.exists():
        known = ", ".join(sorted(DATASETS))
        raise DataError([f"there is no data set {name!r}; there are {known}, or name a manifest"])
    return load_manifest(path, split=split, faults=faults), STANDARD


def protocols_for(name: str) -> tuple[Protocol, ...]:
    """Return the protocols of a data set, or those of any manifest.

    Examples:
        >>> [protocol.name for protocol in protocols_for("gtzan")]
        ['genre']
    """
    return DATASETS[name].protocols if name in DATASETS else STANDARD


__all__ = ["DATASETS", "Dataset", "load_data", "protocols_for"]
