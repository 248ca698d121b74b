"""Evaluation protocols: small objects that define a figure and appear in the report as a whole."""

from tunespace.evaluation.audio_view import AudioView
from tunespace.evaluation.protocols.base import (
    Protocol,
    ProtocolInput,
    ProtocolResult,
    TagProtocol,
    TextEmbedder,
    validate_protocols,
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
"""Protocols of a manifest, as far as its columns allow."""

__all__ = [
    "STANDARD",
    "AudioView",
    "MusicToText",
    "NegationPairs",
    "Protocol",
    "ProtocolInput",
    "ProtocolResult",
    "SameArtist",
    "SentenceToMusic",
    "SimilarArtist",
    "SimilarTrack",
    "TagProtocol",
    "TagSplit",
    "TagToMusic",
    "TagsToMusic",
    "TextEmbedder",
    "UnseenTags",
    "ZeroShot",
    "split_tags",
    "validate_protocols",
]
