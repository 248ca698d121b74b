"""A searchable collection: scan, read tags, listen, store; then search.

The only state is the library's folder: a SQLite file that is the truth, and matrices that are made
from it and can be made again.
"""

from tunespace.library.index.indexer import FailedFile, IndexReport, Progress
from tunespace.library.library import Library, default_library_folder
from tunespace.library.query import (
    AudioFileRef,
    Query,
    QueryTerm,
    Refinement,
    Text,
    TrackRef,
    VectorRef,
)
from tunespace.library.search.describe import DescriptiveWord, describe
from tunespace.library.search.facets import FacetValue
from tunespace.library.search.searcher import Hit, Moment
from tunespace.library.store.sqlite import Track

__all__ = [
    "AudioFileRef",
    "DescriptiveWord",
    "FacetValue",
    "FailedFile",
    "Hit",
    "IndexReport",
    "Library",
    "Moment",
    "Progress",
    "Query",
    "QueryTerm",
    "Refinement",
    "Text",
    "Track",
    "TrackRef",
    "VectorRef",
    "default_library_folder",
    "describe",
]
