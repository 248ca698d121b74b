"""Searchable music collections: scan, read tags, embed and store; then search.

The only state is the folder of the library: a SQLite file, and matrices that are derived from it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tunespace.library.index.report import FailedFile, IndexReport, Progress, RelocateReport
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
    "RelocateReport",
    "SearchResult",
    "Text",
    "TextInterpretation",
    "Track",
    "TrackRef",
    "VectorRef",
    "default_library_folder",
    "describe",
]

# Module of each public name.
_HOMES = {
    "AudioFileRef": "tunespace.library.query",
    "DescriptiveWord": "tunespace.library.search.describe",
    "FacetValue": "tunespace.library.search.facets",
    "FailedFile": "tunespace.library.index.report",
    "Hit": "tunespace.library.search.result",
    "IndexReport": "tunespace.library.index.report",
    "Library": "tunespace.library.library",
    "Moment": "tunespace.library.search.result",
    "Progress": "tunespace.library.index.report",
    "Query": "tunespace.library.query",
    "QueryTerm": "tunespace.library.query",
    "Refinement": "tunespace.library.query",
    "RelocateReport": "tunespace.library.index.report",
    "SearchResult": "tunespace.library.search.result",
    "Text": "tunespace.library.query",
    "TextInterpretation": "tunespace.library.search.result",
    "Track": "tunespace.library.store.records",
    "TrackRef": "tunespace.library.query",
    "VectorRef": "tunespace.library.query",
    "default_library_folder": "tunespace.library.library",
    "describe": "tunespace.library.search.describe",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - what a module holds
    """Import a public name on first use: a command needs few of them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
