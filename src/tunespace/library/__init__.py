"""Searchable music collections: scan, read tags, embed and store; then search.

The only state is the folder of the library: a SQLite file, and matrices that are derived from it.
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
from tunespace.library.search.result import Hit, Moment, SearchResult, TextInterpretation
from tunespace.library.store.records import Track

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
    "SearchResult",
    "Text",
    "TextInterpretation",
    "Track",
    "TrackRef",
    "VectorRef",
    "default_library_folder",
    "describe",
]
