"""Request and response models of the HTTP API."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tunespace.library import Hit, SearchResult, Track

MAX_TEXT_LENGTH = 2000
MAX_TERMS = 32
MAX_HITS = 500
# JavaScript rounds larger whole numbers.
MAX_ID = 2**53 - 1
Id = Annotated[int, Field(ge=0, le=MAX_ID)]

_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
# OpenAPI description of a request whose body is a file.
FILE_AS_BODY = {"requestBody": {"required": True, "content": _BYTES}}


class RequestModel(BaseModel):
    """Base of all request models: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", str_max_length=MAX_TEXT_LENGTH)


class TermIn(RequestModel):
    """Term of a query: exactly one of text, track and clip."""

    text: str | None = Field(default=None, description="Words: a tag, several, or a sentence.")
    track: int | None = Field(default=None, ge=0, le=MAX_ID, description="Id of a track.")
    clip: str | None = Field(default=None, description="Id of an uploaded clip.")
    weight: float = Field(
        default=1.0, ge=-10, le=10, allow_inf_nan=False, description="Negative for 'away from'."
    )

    @model_validator(mode="after")
    def _require_one_value(self) -> "TermIn":
        if sum(v is not None for v in (self.text, self.track, self.clip)) != 1:
            raise ValueError("a term has exactly one of text, track and clip")
        return self


class QueryIn(RequestModel):
    """Query; without terms, the tracks that match the filter are listed."""

    terms: Annotated[list[TermIn], Field(max_length=MAX_TERMS)] = []
    where: str = Field(
        default="", description='Filter on metadata, such as `year >= 1990 and genre = "Jazz"`.'
    )
    limit: int = Field(default=20, ge=1, le=MAX_HITS)
    min_score: float = Field(default=0, ge=0, le=100, allow_inf_nan=False)
    per_artist: int | None = Field(default=None, ge=1, le=MAX_HITS)
    include_duplicates: bool = Field(
        default=False, description="Whether several files of one recording are separate hits."
    )


class TrackOut(BaseModel):
    """Track of the library."""

    id: int
    title: str
    artist: str
    album: str
    genre: str
    year: int | None
    seconds: float
    file: str = Field(description="Name of the file, without its folder.")

    @classmethod
    def from_track(cls, track: Track) -> "TrackOut":
        """Convert a track of the library."""
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
    """Hit of a search."""

    track: TrackOut
    score: float = Field(description="Calibrated score, 0 to 100.")
    start: float = Field(description="Start of the best matching window, in seconds.")
    end: float = Field(description="End of that window, in seconds.")
    named: bool = Field(description="Whether the query names its artist or title.")
    missing: bool = Field(description="Whether its file is gone.")
    duplicates: int = Field(description="Number of further files with the same recording.")

    @classmethod
    def from_hit(cls, hit: Hit) -> "HitOut":
        """Convert a hit of the library."""
        return cls(
            track=TrackOut.from_track(hit.track),
            score=round(hit.score, 2),
            start=round(hit.start, 2),
            end=round(hit.end, 2),
            named=hit.named,
            missing=hit.missing,
            duplicates=len(hit.duplicates),
        )


class CorrectionOut(BaseModel):
    """Corrected typing error."""

    typed: str
    corrected: str


class SearchResponse(BaseModel):
    """Result of a search."""

    hits: list[HitOut]
    corrections: list[CorrectionOut] = Field(description="Corrected typing errors of the query.")
    milliseconds: float = Field(description="Duration of the search; 0 if it was not measured.")
    no_hits_reason: str = Field(description="Why there are no hits; empty if there are any.")

    @classmethod
    def from_result(cls, result: SearchResult, milliseconds: float = 0) -> "SearchResponse":
        """Convert a result of the library."""
        return cls(
            hits=[HitOut.from_hit(hit) for hit in result.hits],
            corrections=[
                CorrectionOut(typed=correction.typed, corrected=correction.corrected)
                for correction in result.corrections
            ],
            milliseconds=round(milliseconds, 2),
            no_hits_reason=result.no_hits_reason,
        )


class FacetValueOut(BaseModel):
    """Value that tracks can be filtered by."""

    name: str
    where: str = Field(description="Filter that matches its tracks.")
    count: int


class Facets(BaseModel):
    """Genres, decades, artists, folders and lengths with their counts."""

    facets: dict[str, list[FacetValueOut]]


class MomentOut(BaseModel):
    """Window of a track with its score."""

    start: float
    end: float
    score: float


class Moments(BaseModel):
    """Windows of a track, in order of time."""

    moments: list[MomentOut]


class Waveform(BaseModel):
    """Waveform of a track."""

    seconds: float
    peaks: list[float] = Field(description="Peaks of equal parts of the length, 0 to 1.")


class Tracks(BaseModel):
    """Page of the library, in the order of ids."""

    tracks: list[TrackOut]
    total: int = Field(description="Number of all matching tracks.")


class WordOut(BaseModel):
    """Word that matches a track."""

    word: str
    score: float = Field(description="Calibrated score, 0 to 100.")


class Words(BaseModel):
    """Words that match a track best, by kind."""

    words: dict[str, list[WordOut]]


class ClipOut(BaseModel):
    """Uploaded clip: its embedding is kept for a while, its audio is not."""

    clip: str = Field(description="Id for the terms of a query.")
    seconds: float
    expires_in: float = Field(description="Time until the id expires, in seconds.")


class Health(BaseModel):
    """Health of the server; fields other than the status are for clients with the token."""

    status: Literal["ok"] = "ok"
    library: str | None = Field(
        default=None, description="Random name of the library: ids of tracks are valid within it."
    )
    tracks: int | None = None
    failed: int | None = Field(default=None, description="Number of unreadable files.")
    model: str | None = None
    version: str | None = None
    writable: bool | None = Field(
        default=None, description="Whether clients may update the library."
    )


class Problem(BaseModel):
    """Error in one sentence (RFC 9457)."""

    title: str
    status: int
    detail: str


def file_name(path: str) -> str:
    """Return the last part of a path: the folders of a collection are not revealed."""
    return printable(path.replace("\\", "/").rsplit("/", 1)[-1])


def printable(text: str) -> str:
    """Replace lone surrogates, which JSON in UTF-8 cannot represent."""
    return text.encode("utf-8", "replace").decode("utf-8")
