"""Published data sets, read from their official files: one file each."""

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
    """Reads a data set or a manifest, and says which protocols are run on it.

    Args:
        name: Of a data set, or the path of a manifest.
        root: Folder of the data set's files; the current one without.
        split: Of the data set or manifest.
        faults: What else is wrong with the clips, as ``missing_audio``; all is said at once.

    Raises:
        DataError: There is none such, or something in it is wrong.
    """
    if name in DATASETS:
        dataset = DATASETS[name]
        manifest = dataset.to_manifest(root or Path(), split)
        if not manifest.items:
            raise DataError([f"{manifest.name}: holds no clips"])
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
    """What is run on a data set, or on a manifest."""
    return DATASETS[name].protocols if name in DATASETS else STANDARD


__all__ = ["DATASETS", "Dataset", "load_data", "protocols_of"]
