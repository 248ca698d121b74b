"""How numbers are made: a protocol is a small object, and all of it stands in the report."""

from tunespace.evaluation.protocols.base import Material, Outcome, Protocol, Texts
from tunespace.evaluation.protocols.retrieval import (
    MusicToText,
    SameArtist,
    SentenceToMusic,
    TagsToMusic,
    TagToMusic,
)
from tunespace.evaluation.protocols.zero_shot import ZeroShot

STANDARD: tuple[Protocol, ...] = (
    TagToMusic(),
    TagsToMusic(),
    SentenceToMusic(),
    MusicToText(),
    ZeroShot(),
    SameArtist(),
)
"""What is run on a manifest, as far as its columns allow."""

__all__ = [
    "STANDARD",
    "Material",
    "MusicToText",
    "Outcome",
    "Protocol",
    "SameArtist",
    "SentenceToMusic",
    "TagToMusic",
    "TagsToMusic",
    "Texts",
    "ZeroShot",
]
