"""Index of the most frequent genres, for the colours of the map."""

import numpy as np
import numpy.typing as npt

from tunespace.library import Library
from tunespace.text.normalize import fold

MAX_GENRES = 10
OTHER = 255


def genre_index(
    library: Library, ids: npt.NDArray[np.int64]
) -> tuple[tuple[str, ...], npt.NDArray[np.uint8]]:
    """Return the most frequent genres, and the genre of each track.

    Args:
        library: Library.
        ids: ``(tracks,)`` track ids.

    Returns:
        Names of genres, and ``(tracks,)`` uint8 indices into them; ``OTHER`` for none of them.
    """
    names = tuple(value.name for value in library.facets(most=MAX_GENRES)["genre"])
    index = {fold(name): n for n, name in enumerate(names)}
    by_id = {
        id_: next((index[key] for key in keys if key in index), OTHER)
        for id_, keys in library.genre_keys()
    }
    return names, np.array([by_id.get(int(id_), OTHER) for id_ in ids], np.uint8)
