"""Collaborative filtering: factors of artists from play counts.

Implicit alternating least squares (Hu et al. 2008) of the ``implicit`` package; Won et al. 2021
call its item factors the cultural source. Nearby artists form the graph of similar artists (TTMR++,
Doh et al. 2024, uses one by experts).
"""

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tunespace.errors import TrainingError

Vectors = npt.NDArray[np.float32]
Play = tuple[str, str, float]
"""User, artist, and number of plays."""


def train_factors(
    plays: Iterable[Play], *, width: int = 64, passes: int = 15, seed: int = 0
) -> dict[str, Vectors]:
    """Train the factors of artists.

    Args:
        plays: Users, artists and numbers of plays.
        width: Number of factors.
        passes: Number of iterations.
        seed: Random seed of the initial factors.

    Returns:
        ``(width,)`` float32 of unit length for each artist, by name in lower case.

    Raises:
        TrainingError: There are no plays, or the package is not installed.
    """
    try:
        from implicit.als import AlternatingLeastSquares
        from threadpoolctl import threadpool_limits
    except ModuleNotFoundError as error:
        raise TrainingError(
            f"collaborative filtering needs {error.name}: pip install 'tunespace[train]'"
        ) from error
    from scipy.sparse import coo_matrix

    users: dict[str, int] = {}
    artists: dict[str, int] = {}
    rows, columns, counts = [], [], []
    for user, artist, count in plays:
        rows.append(users.setdefault(user, len(users)))
        columns.append(artists.setdefault(artist.casefold(), len(artists)))
        counts.append(count)
    if not counts:
        raise TrainingError("the table has no plays")
    # The logarithm: one fan must not outweigh a hundred listeners (Hu et al. 2008, equation 6).
    values = np.log1p(np.asarray(counts, np.float32))
    matrix = coo_matrix((values, (rows, columns)), (len(users), len(artists))).tocsr()
    # One thread: equal plays give equal factors, and the small systems are faster.
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=width, iterations=passes, random_state=seed, num_threads=1, use_gpu=False
        )
        model.fit(matrix, show_progress=False)
    factor_rows = np.asarray(model.item_factors, np.float32)
    factor_rows /= np.maximum(np.linalg.norm(factor_rows, axis=1, keepdims=True), 1e-9)
    return dict(zip(artists, factor_rows, strict=True))


def similar_artists(factors: Mapping[str, Vectors], most: int = 10) -> dict[str, list[str]]:
    """Return the nearest artists of each artist, the nearest first."""
    names = list(factors)
    rows = np.stack([factors[name] for name in names])
    similar = {}
    for n, name in enumerate(names):
        scores = rows @ rows[n]
        scores[n] = -np.inf
        similar[name] = [names[k] for k in np.argsort(-scores)[: min(most, len(names) - 1)]]
    return similar


def write_similar_artists(
    manifest: Path, factors: Mapping[str, Vectors], out: Path, *, most: int = 10
) -> int:
    """Write a copy of a manifest with the similar artists, among its own, of each clip.

    Args:
        manifest: Manifest with a column ``artist``.
        factors: Factors by name of artist in lower case.
        out: Path of the new manifest, .jsonl.
        most: Maximum number of similar artists.

    Returns:
        Number of artists with factors.

    Raises:
        DataError: The manifest cannot be read.
        TrainingError: None of its artists has factors.
    """
    from tunespace.data.manifest import load_manifest, write_manifest

    loaded = load_manifest(manifest)
    spelled = {item.artist.casefold(): item.artist for item in loaded.items if item.artist}
    here = {name: row for name, row in factors.items() if name in spelled}
    if not here:
        raise TrainingError(f"{manifest}: none of its {len(spelled):,} artists has factors")
    near = {
        name: tuple(spelled[other] for other in some)
        for name, some in similar_artists(here, most).items()
    }
    write_manifest(
        [
            replace(item, similar_artists=near.get(item.artist.casefold(), item.similar_artists))
            for item in loaded.items
        ],
        out,
    )
    return len(here)


def save_factors(factors: Mapping[str, Vectors], path: Path) -> None:
    """Write factors as ``.npz``."""
    names = np.array(list(factors), dtype=np.str_)
    np.savez(path, names=names, factors=np.stack(list(factors.values())))


def factor_width(factors: Mapping[str, Vectors]) -> int:
    """Return the number of factors; 0 if there are none."""
    return len(next(iter(factors.values()), ()))


def load_factors(path: str | Path) -> dict[str, Vectors]:
    """Load a file of ``save_factors``; return an empty mapping if no file is named.

    Raises:
        TrainingError: The file cannot be read.
    """
    if not path:
        return {}
    try:
        with np.load(path, allow_pickle=False) as archive:
            rows = archive["factors"].astype(np.float32)
            return dict(zip(map(str, archive["names"]), rows, strict=True))
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(f"collaborative.factors: {path} cannot be read ({error})") from error


def read_plays(path: Path) -> Iterable[Play]:
    """Read plays from a table with columns ``user``, ``artist`` and ``count``.

    Args:
        path: Path of a .csv, .tsv, .jsonl or .parquet file.

    Raises:
        DataError: The table cannot be read.
        TrainingError: A column is missing.
    """
    from tunespace.data.tables import raise_unreadable, read_rows

    for line, row in read_rows(path, raise_unreadable):
        try:
            yield str(row["user"]), str(row["artist"]), float(row["count"])
        except (KeyError, TypeError, ValueError) as error:
            raise TrainingError(
                f"{path} line {line}: user, artist and a number as count are needed"
            ) from error


def main() -> None:
    """Parse the arguments; read plays and write factors."""
    parser = argparse.ArgumentParser(
        prog="python -m tunespace.training.collaborative_filtering", description=__doc__
    )
    parser.add_argument("plays", type=Path, help="table with user, artist, count")
    parser.add_argument("out", type=Path, help="factors, .npz")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument(
        "--similar",
        type=Path,
        nargs=2,
        metavar=("MANIFEST", "NEW.jsonl"),
        help="write the manifest again with the column similar_artists",
    )
    arguments = parser.parse_args()
    factors = train_factors(read_plays(arguments.plays), width=arguments.width)
    save_factors(factors, arguments.out)
    if arguments.similar:
        known = write_similar_artists(arguments.similar[0], factors, arguments.similar[1])
        print(f"{known:,} artists have similar ones")


if __name__ == "__main__":
    main()
