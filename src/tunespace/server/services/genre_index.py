"""The genres of all tracks at once, for colours."""

import numpy as np
import numpy.typing as npt

from tunespace.library import Library
from tunespace.text.normalize import fold

MOST = 10
OTHER = 255


def genres_of(
    library: Library, ids: npt.NDArray[np.int64]
) -> tuple[tuple[str, ...], npt.NDArray[np.uint8]]:
    """The most frequent genres, and of each track which of them is its first."""
    names = tuple(value.name for value in library.facets(most=MOST)["genre"])
    places = {fold(name): n for n, name in enumerate(names)}
    of = {
        id_: next((places[key] for key in keys if key in places), OTHER)
        for id_, keys in library.genre_keys()
    }
    return names, np.array([of.get(int(id_), OTHER) for id_ in ids], np.uint8)
