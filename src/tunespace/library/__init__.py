"""A searchable collection: scan, read tags, listen, store; then search.

The only state is the library's folder: a SQLite file that is the truth, and matrices that are made
from it and can be made again.
"""

from tunespace.library.index.indexer import Failed, IndexReport, Progress
from tunespace.library.library import Library, default_folder
from tunespace.library.query import Clip, Point, Query, Remark, Term, Text, TrackLike
from tunespace.library.search.describe import FittingWord, describe
from tunespace.library.search.facets import Value
from tunespace.library.search.searcher import Hit, Moment
from tunespace.library.store.sqlite import Track

__all__ = [
    "Clip",
    "Failed",
    "FittingWord",
    "Hit",
    "IndexReport",
    "Library",
    "Moment",
    "Point",
    "Progress",
    "Query",
    "Remark",
    "Term",
    "Text",
    "Track",
    "TrackLike",
    "Value",
    "default_folder",
    "describe",
]
