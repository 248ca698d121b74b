"""Cache of facets: counting reads every track, and the page asks whenever it opens."""

from collections import OrderedDict

from tunespace.library import FacetValue, Library
from tunespace.server.services.library_pool import LibraryPool

_MAX_CACHED = 64
Facets = dict[str, list[FacetValue]]
Key = tuple[str, str, int]


class FacetCache:
    """Facets by filter, for one revision of the library each."""

    def __init__(self, libraries: LibraryPool) -> None:
        """Take the libraries."""
        self._libraries = libraries
        self._cache: OrderedDict[Key, Facets] = OrderedDict()

    async def facets(self, where: str, most: int) -> Facets:
        """Return the facets of the tracks that match a filter, as ``Library.facets`` does.

        Raises:
            QueryError: The filter is not valid.
        """
        return await self._libraries.run(lambda library: self._facets(library, where, most))

    def _facets(self, library: Library, where: str, most: int) -> Facets:
        key = (library.revision, where, most)
        known = self._cache.get(key)
        if known is None:
            known = self._cache[key] = library.facets(where=where, most=most)
            while len(self._cache) > _MAX_CACHED:
                self._cache.popitem(last=False)
        return known
