"""How numbers are made: a protocol is a small object, and all of it stands in the report."""

from tunespace.evaluation.audio_view import Listening
from tunespace.evaluation.protocols.base import (
    Material,
    OfTags,
    Outcome,
    Protocol,
    Texts,
    faults_of,
)
from tunespace.evaluation.protocols.negation import NegationPairs
from tunespace.evaluation.protocols.retrieval import (
    MusicToText,
    SameArtist,
    SentenceToMusic,
    TagsToMusic,
    TagToMusic,
)
from tunespace.evaluation.protocols.similarity import SimilarArtist, SimilarTrack
from tunespace.evaluation.protocols.unseen import TagSplit, UnseenTags, split_tags
from tunespace.evaluation.protocols.zero_shot import ZeroShot

STANDARD: tuple[Protocol, ...] = (
    TagToMusic(),
    TagsToMusic(),
    SentenceToMusic(),
    MusicToText(),
    ZeroShot(),
    SameArtist(),
    SimilarArtist(),
    SimilarTrack(),
    NegationPairs(),
)
"""What is run on a manifest, as far as its columns allow."""

__all__ = [
    "STANDARD",
    "Listening",
    "Material",
    "MusicToText",
    "NegationPairs",
    "OfTags",
    "Outcome",
    "Protocol",
    "SameArtist",
    "SentenceToMusic",
    "SimilarArtist",
    "SimilarTrack",
    "TagSplit",
    "TagToMusic",
    "TagsToMusic",
    "Texts",
    "UnseenTags",
    "ZeroShot",
    "faults_of",
    "split_tags",
]
