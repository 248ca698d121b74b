"""Collaborative filtering: what people who listen to one artist also listen to.

Implicit alternating least squares (Hu et al. 2008) from the ``implicit`` package over play counts;
Won et al. 2021 call its item factors the cultural source. Artists that lie close are the graph of
similar artists (TTMR++, Doh et al. 2024, takes one that experts drew).
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
"""Who listened to whom how often."""


def train_factors(
    plays: Iterable[Play], *, width: int = 64, passes: int = 15, seed: int = 0
) -> dict[str, Vectors]:
    """The factors of each artist.

    Args:
        plays: User, artist and count.
        width: Of a factor.
        passes: Over the plays.
        seed: Of the first factors.

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
        raise TrainingError("there are no plays to learn from")
    # The logarithm: one fan must not outweigh a hundred listeners (Hu et al. 2008, equation 6).
    values = np.log1p(np.asarray(counts, np.float32))
    matrix = coo_matrix((values, (rows, columns)), (len(users), len(artists))).tocsr()
    # One thread, so that the same plays give the same factors; its small systems are faster so.
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=width, iterations=passes, random_state=seed, num_threads=1, use_gpu=False
        )
        model.fit(matrix, show_progress=False)
    found = np.asarray(model.item_factors, np.float32)
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
    return dict(zip(artists, found, strict=True))


def similar_artists(factors: Mapping[str, Vectors], most: int = 10) -> dict[str, list[str]]:
    """For each artist those that lie closest, the closest first."""
    names = list(factors)
    rows = np.stack([factors[name] for name in names])
    found = {}
    for n, name in enumerate(names):
        scores = rows @ rows[n]
        scores[n] = -np.inf
        found[name] = [names[k] for k in np.argsort(-scores)[: min(most, len(names) - 1)]]
    return found


def write_similar_artists(
    manifest: Path, factors: Mapping[str, Vectors], out: Path, *, most: int = 10
) -> int:
    """Writes a manifest again, with those artists of it that each clip's artist is like.

    Args:
        manifest: With a column ``artist``.
        factors: Of artists, by their names in lower case.
        out: Of the new manifest, .jsonl.
        most: Similar artists of each.

    Returns:
        How many of the artists have factors.

    Raises:
        DataError: The manifest cannot be read.
        TrainingError: None of its artists has factors.
    """
    from tunespace.data.manifest import load_manifest, write_manifest

    found = load_manifest(manifest)
    spelled = {item.artist.casefold(): item.artist for item in found.items if item.artist}
    here = {name: row for name, row in factors.items() if name in spelled}
    if not here:
        raise TrainingError(f"{manifest}: none of its {len(spelled):,} artists is known from plays")
    near = {
        name: tuple(spelled[other] for other in some)
        for name, some in similar_artists(here, most).items()
    }
    write_manifest(
        [
            replace(item, similar_artists=near.get(item.artist.casefold(), item.similar_artists))
            for item in found.items
        ],
        out,
    )
    return len(here)


def save_factors(factors: Mapping[str, Vectors], path: Path) -> None:
    """Writes them as ``.npz``."""
    names = np.array(list(factors), dtype=np.str_)
    np.savez(path, names=names, factors=np.stack(list(factors.values())))


def factor_width(factors: Mapping[str, Vectors]) -> int:
    """Of the factors; 0 where there are none."""
    return len(next(iter(factors.values()), ()))


def load_factors(path: str | Path) -> dict[str, Vectors]:
    """Reads what ``save_factors`` wrote; nothing where no file is named.

    Raises:
        TrainingError: The file cannot be read.
    """
    if not path:
        return {}
    try:
        with np.load(path, allow_pickle=False) as found:
            rows = found["factors"].astype(np.float32)
            return dict(zip(map(str, found["names"]), rows, strict=True))
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(f"collaborative.factors: {path} cannot be read ({error})") from error


def read_plays(path: Path) -> Iterable[Play]:
    """Plays of a table with columns ``user``, ``artist`` and ``count``.

    Args:
        path: .csv, .tsv, .jsonl or .parquet.

    Raises:
        DataError: It cannot be read.
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
    """Reads plays and writes factors."""
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
