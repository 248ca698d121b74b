"""What goes in and out, exactly: the contract of the HTTP API."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tunespace.library import Hit, Track

LONGEST_TEXT = 2000
MOST_TERMS = 32
MOST_HITS = 500
# Whole numbers beyond it are rounded by JSON's readers.
LARGEST_ID = 2**53 - 1
Id = Annotated[int, Field(ge=0, le=LARGEST_ID)]

_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
# What the contract says of a route that takes a file as it is.
FILE_AS_BODY = {"requestBody": {"required": True, "content": _BYTES}}


class In(BaseModel):
    """What a client sends; a field that is not known is a mistake."""

    model_config = ConfigDict(extra="forbid", str_max_length=LONGEST_TEXT)


class TermIn(In):
    """One thing that the answer should be near to: exactly one of text, track and clip."""

    text: str | None = Field(default=None, description="Words: a tag, several, or a sentence.")
    track: int | None = Field(
        default=None, ge=0, le=LARGEST_ID, description="A track of the library."
    )
    clip: str | None = Field(default=None, description="A clip that was sent before, by its id.")
    weight: float = Field(
        default=1.0, ge=-10, le=10, allow_inf_nan=False, description="Negative for 'away from'."
    )

    @model_validator(mode="after")
    def _one(self) -> "TermIn":
        if sum(v is not None for v in (self.text, self.track, self.clip)) != 1:
            raise ValueError("a term has exactly one of text, track and clip")
        return self


class QueryIn(In):
    """A whole question; no term lists what the filter leaves."""

    terms: Annotated[list[TermIn], Field(max_length=MOST_TERMS)] = []
    where: str = Field(
        default="", description='A filter on metadata, such as `year >= 1990 and genre = "Jazz"`.'
    )
    limit: int = Field(default=20, ge=1, le=MOST_HITS)
    min_score: float = Field(default=0, ge=0, le=100, allow_inf_nan=False)
    per_artist: int | None = Field(default=None, ge=1, le=MOST_HITS)
    duplicates: bool = Field(default=False, description="Whether one recording may appear twice.")


class TrackOut(BaseModel):
    """A track of the library."""

    id: int
    title: str
    artist: str
    album: str
    genre: str
    year: int | None
    seconds: float
    file: str = Field(description="Name of the file, for people.")

    @classmethod
    def of(cls, track: Track) -> "TrackOut":
        """From the library's own."""
        return cls(
            id=track.id,
            title=printable(track.title),
            artist=printable(track.artist),
            album=printable(track.album),
            genre=printable(track.genre),
            year=track.year,
            seconds=round(track.seconds, 2),
            file=file_name(track.path),
        )


class HitOut(BaseModel):
    """An answer."""

    track: TrackOut
    score: float = Field(description="0 to 100, how well it fits.")
    start: float = Field(description="Where in the track it fits best, in seconds.")
    end: float
    named: bool = Field(description="Whether its artist or title is what the query says.")
    missing: bool = Field(description="Whether its file is gone.")
    copies: int = Field(description="How many more files hold the same recording.")

    @classmethod
    def of(cls, hit: Hit) -> "HitOut":
        """From the library's own."""
        return cls(
            track=TrackOut.of(hit.track),
            score=round(hit.score, 2),
            start=round(hit.start, 2),
            end=round(hit.end, 2),
            named=hit.named,
            missing=hit.missing,
            copies=len(hit.duplicates),
        )


class Slip(BaseModel):
    """A word with a slip of the finger."""

    typed: str
    meant: str


class Found(BaseModel):
    """What was found."""

    hits: list[HitOut]
    slips: list[Slip] = Field(description="Words that were read as others.")
    milliseconds: float = Field(description="How long the search took.")

    @classmethod
    def of(cls, hits: Sequence[Hit]) -> "Found":
        """Hits of a query that nobody typed: it has no slips, and its time is not told."""
        return cls(hits=[HitOut.of(hit) for hit in hits], slips=[], milliseconds=0)


class FacetValue(BaseModel):
    """A value that tracks can be filtered by."""

    name: str
    where: str = Field(description="The filter that leaves its tracks.")
    count: int


class Facets(BaseModel):
    """Genres, decades, artists, folders and lengths, counted."""

    facets: dict[str, list[FacetValue]]


class MomentOut(BaseModel):
    """A stretch of a track, and how well it fits."""

    start: float
    end: float
    score: float


class Moments(BaseModel):
    """The stretches of a track, in the order of time."""

    moments: list[MomentOut]


class Waveform(BaseModel):
    """How loud a track is along its length."""

    seconds: float
    peaks: list[float] = Field(description="0 to 1, one for each equal part of the length.")


class Tracks(BaseModel):
    """A stretch of the library, in the order of ids."""

    tracks: list[TrackOut]
    total: int = Field(description="How many there are in all.")


class WordOut(BaseModel):
    """A word that fits a track."""

    word: str
    score: float = Field(description="0 to 100, how well it fits.")


class Words(BaseModel):
    """The words that fit a track best, by kind."""

    words: dict[str, list[WordOut]]


class ClipOut(BaseModel):
    """A clip that was listened to: its point is kept for a while, its sound is not."""

    clip: str = Field(description="Its id, for the terms of a query.")
    seconds: float
    expires_in: float = Field(description="For how many seconds the id is good.")


class Health(BaseModel):
    """Whether the server works."""

    status: Literal["ok"] = "ok"
    tracks: int
    failed: int = Field(description="Files that could not be read.")
    model: str
    version: str
    writable: bool = Field(description="Whether the library may be brought up to date from here.")


class Problem(BaseModel):
    """What is wrong, in one sentence (RFC 9457)."""

    title: str
    status: int
    detail: str


def file_name(path: str) -> str:
    """The last part of a path, for people: where music lies is not told."""
    return printable(path.replace("\\", "/").rsplit("/", 1)[-1])


def printable(text: str) -> str:
    """Without lone surrogates, which JSON in UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
