import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import mutagen
import numpy as np
import numpy.typing as npt
import pytest

import sounds
from sounds import write_noise
from tunespace.audio import decode
from tunespace.errors import LibraryError, QueryError
from tunespace.library import AudioFileRef, Hit, Library, Query, QueryTerm, Text, TrackRef
from tunespace.library.search.ranking import top_rows
from tunespace.library.search.searcher import Searcher
from tunespace.library.store.records import FileStamp, TrackEmbedding
from tunespace.library.tags import Tags
from tunespace.models import load_model


@pytest.fixture
def indexed(library: Library, music: Path) -> Library:
    library.index([music])
    return library


def titles(hits: Iterable[Hit]) -> list[str]:
    return [hit.track.title for hit in hits]


def test_a_text_query_returns_matching_tracks(indexed: Library) -> None:
    assert titles(indexed.search("low")) == ["track 0", "track 1", "track 2", "track 3"]
    assert titles(indexed.search("high")) == ["track 3", "track 2", "track 1", "track 0"]
    assert titles(indexed.search("low", limit=2)) == ["track 0", "track 1"]


def test_scores_fall_from_the_best_to_the_worst(indexed: Library) -> None:
    scores = [hit.score for hit in indexed.search("low")]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] < scores[0] <= 100
    best = indexed.search("low", min_score=(scores[0] + scores[1]) / 2)
    assert titles(best) == ["track 0"]


def test_a_hit_has_its_best_matching_window(library: Library, tmp_path: Path) -> None:
    low = decode(write_noise(tmp_path / "low.wav", 1, 1e-4, seconds=4), 16_000)
    high = decode(write_noise(tmp_path / "high.wav", 1e-4, 1, seconds=4), 16_000)
    mix = sounds.wav(tmp_path / "mix.wav", np.concatenate([low, low, high, low]))
    library.index([mix])
    [hit] = library.search("high")
    assert 8 <= hit.start < hit.end <= 12


def test_like_a_file_leaves_the_file_itself_out(indexed: Library, music: Path) -> None:
    path = music / "album 0" / "track 0.wav"
    assert titles(indexed.similar(path, limit=1)) == ["track 1"]
    track = indexed.find_track("track 3")
    assert track is not None
    assert titles(indexed.similar(track, limit=1)) == ["track 2"]


def test_like_a_file_outside_the_library(indexed: Library, tmp_path: Path) -> None:
    path = write_noise(tmp_path / "outside.wav", 1, 1e-4, seed=9)
    assert titles(indexed.similar(path))[0] == "track 0"


def test_terms_are_added_and_subtracted(indexed: Library, music: Path) -> None:
    both = Query(terms=(QueryTerm(Text("low")), QueryTerm(Text("high"))))
    assert set(titles(indexed.search(both))[:2]) == {"track 1", "track 2"}
    away = Query(terms=(QueryTerm(Text("low"), -1.0),))
    assert titles(indexed.search(away))[0] == "track 3"
    mixed = Query(
        terms=(
            QueryTerm(AudioFileRef(music / "album 0" / "track 1.wav")),
            QueryTerm(Text("high"), 2.0),
        )
    )
    assert titles(indexed.search(mixed))[0] in ("track 2", "track 3")


@pytest.mark.parametrize("query", ["", "   "])
def test_an_empty_query_is_refused(query: str, indexed: Library) -> None:
    with pytest.raises(QueryError, match="empty"):
        indexed.search(query)


def test_a_query_without_known_words_is_refused(indexed: Library) -> None:
    with pytest.raises(QueryError, match="is known"):
        indexed.search("🎈 zzz")


def test_an_unknown_track_is_refused(indexed: Library) -> None:
    with pytest.raises(QueryError, match="no track 99"):
        indexed.search(Query(terms=(QueryTerm(TrackRef(99)),)))


def test_searching_an_empty_library_is_an_error_with_advice(
    library: Library, tmp_path: Path
) -> None:
    with pytest.raises(LibraryError, match="tunespace index"):
        library.search("low")
    with pytest.raises(LibraryError, match="there is no library in"):
        Library.open(tmp_path / "nowhere", create=False)


def test_a_filter_without_terms_lists_its_tracks(indexed: Library) -> None:
    assert len(indexed.search(Query(where="path ~ 'album 0'"))) == 2


def test_filters_are_exact(indexed: Library) -> None:
    assert titles(indexed.search("low", where="path ~ 'album 1'")) == ["track 2", "track 3"]
    assert list(indexed.search("low", where="year > 1990")) == []


def test_a_deleted_file_is_marked(indexed: Library, music: Path) -> None:
    (music / "album 0" / "track 0.wav").unlink()
    hits = indexed.search("low")
    assert [hit.missing for hit in hits] == [True, False, False, False]


def test_the_same_recording_is_shown_once(indexed: Library, music: Path) -> None:
    shutil.copyfile(music / "album 0" / "track 0.wav", music / "copy.wav")
    indexed.index([music])
    hits = indexed.search("low")
    assert len(hits) == 4
    assert len(hits[0].duplicates) == 1
    query = Query(terms=(QueryTerm(Text("low")),), include_duplicates=True)
    assert len(indexed.search(query)) == 5


def test_the_vectors_in_use_follow_the_store(indexed: Library, music: Path) -> None:
    assert len(indexed.search("low")) == 4
    with Library.open(indexed.folder) as other:
        write_noise(music / "new.wav", 1, 1e-5, seconds=3, seed=7)
        other.index([music])
    assert len(indexed.search("low")) == 5


def test_a_deleted_matrix_is_rebuilt(indexed: Library) -> None:
    before = titles(indexed.search("low"))
    shutil.rmtree(indexed.folder / "vectors")
    with Library.open(indexed.folder) as again:
        assert titles(again.search("low")) == before
    assert (indexed.folder / "vectors").exists()


@pytest.fixture
def many(library: Library, model: str) -> tuple[Library, npt.NDArray[np.float64]]:
    """500 tracks of one artist, without music, and their vectors."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(500, 2))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    store = library._store  # noqa: SLF001 - vectors without the music
    with store.writing():
        space = store.ensure_space(load_model(model), model)
        store.activate(space)
        for n, row in enumerate(rows):
            vector = row.astype(np.float32)
            span = np.array([[0, 1]], np.float32)
            tags = Tags(artist="The Many", year=1900 + n % 100)
            embedding = TrackEmbedding(
                str(n).encode(), 1.0 + 10 * n, vector, span, vector[None], tags
            )
            store.save_track(f"/nowhere/{n}.mp3", FileStamp(1, 1), embedding, space)
    return library, rows


@pytest.mark.parametrize("where", ["", "year >= 1950", "year = 1977", "year > 3000"])
def test_a_scan_is_exact(where: str, many: tuple[Library, npt.NDArray[np.float64]]) -> None:
    library, rows = many
    found = [int(Path(hit.track.path).stem) for hit in library.search("low", limit=5, where=where)]
    years = 1900 + np.arange(500) % 100
    allowed = {"": years > 0, "year >= 1950": years >= 1950, "year = 1977": years == 1977}
    cosines = np.where(allowed.get(where, years < 0), rows @ np.array([1.0, 0.0]), -np.inf)
    exact = [int(n) for n in np.argsort(-cosines)[:5] if np.isfinite(cosines[n])]
    assert set(found) == set(exact)


def test_per_artist_limits_end_when_candidates_run_out(
    many: tuple[Library, npt.NDArray[np.float64]],
) -> None:
    library, _ = many
    assert len(library.search("low", per_artist=1)) == 1
    assert len(library.search("low", limit=1000)) == 500


def test_a_high_minimum_score_stops_the_scan_early(
    many: tuple[Library, npt.NDArray[np.float64]], monkeypatch: pytest.MonkeyPatch
) -> None:
    library, _ = many
    looked: list[int] = []
    original = Searcher._rerank  # noqa: SLF001

    def counted(self: Searcher, rows: npt.NDArray[np.int64], *rest: Any) -> list[Hit]:  # noqa: ANN401
        looked.append(len(rows))
        return original(self, rows, *rest)

    monkeypatch.setattr(Searcher, "_rerank", counted)
    assert list(library.search("low", min_score=99.9, limit=100)) == []
    assert sum(looked) < 500


def tagged(path: Path, low: float, high: float, **tags: str) -> None:
    seconds = 2 + "abcdefgh".index(path.stem) / 2  # of equal length they would be copies
    write_noise(path.with_suffix(".wav"), low, high, seconds, seed=len(str(path)))
    samples = decode(path.with_suffix(".wav"), 16_000)
    path.with_suffix(".wav").unlink()
    sounds.write(path, samples[None], 16_000, "flac", tags=tags)
    assert mutagen.File(path) is not None


@pytest.fixture
def named(library: Library, tmp_path: Path) -> Library:
    folder = tmp_path / "named"
    tagged(folder / "a.flac", 1, 1e-4, artist="Nina Simone", title="Sinnerman", date="1965")
    tagged(folder / "b.flac", 1, 1e-3, artist="Nina Simone", title="Feeling Good", date="1965")
    tagged(folder / "c.flac", 1, 2e-3, artist="Odetta", title="Low Bridge", genre="Folk, Blues")
    tagged(folder / "d.flac", 1e-4, 1, artist="Jazz", title="High Noon", date="1999")
    tagged(folder / "e.flac", 1e-3, 1, artist="Björk", title="Jóga", date="1997")
    library.index([folder])
    return library


def test_an_artist_is_found_by_name(named: Library) -> None:
    hits = named.search("nina simone")
    assert titles(hits[:2]) in (["Sinnerman", "Feeling Good"], ["Feeling Good", "Sinnerman"])
    assert [hit.named for hit in hits] == [True, True, False, False, False]
    assert titles(hits)[2] == "Low Bridge"
    assert hits[0].score >= 90
    assert titles(named.search("bjork", limit=1)) == ["Jóga"]


def test_a_name_and_a_description(named: Library) -> None:
    assert titles(named.search("low by Nina Simone", limit=1)) == ["Sinnerman"]
    assert named.search("high by nina simone", limit=1)[0].track.artist == "Nina Simone"


def test_similar_to_an_artist_excludes_the_artist(named: Library) -> None:
    hits = named.search("similar to Nina Simone")
    assert titles(hits)[0] == "Low Bridge"
    assert all(hit.track.artist != "Nina Simone" for hit in hits)


def test_a_title_is_found_by_its_words(named: Library) -> None:
    assert titles(named.search("feeling good", limit=1)) == ["Feeling Good"]
    assert titles(named.search("sinnerman", limit=1)) == ["Sinnerman"]
    assert titles(named.search("simone sinnerman", limit=1)) == ["Sinnerman"]


def test_hits_of_one_artist_are_limited(named: Library) -> None:
    hits = named.search("low", per_artist=1)
    assert [hit.track.artist for hit in hits][:2] == ["Nina Simone", "Odetta"]
    assert len(hits) == 4


def test_filters_on_tags(named: Library) -> None:
    assert titles(named.search("low", where="genre = blues")) == ["Low Bridge"]
    assert titles(named.search("low", where="year >= 1997 and artist != Jazz")) == ["Jóga"]


def test_names_are_no_query_language(named: Library) -> None:
    for query in ('low " OR', "low NEAR(", "low*", "low AND high NOT", "title:low", "low ' -- "):
        assert named.search(query)


def test_a_minimum_score_keeps_all_named_tracks(library: Library, model: str) -> None:
    """More named tracks than a batch, of the wrong sound, stand before those that fit."""
    store = library._store  # noqa: SLF001 - vectors without the music
    span = np.array([[0, 1]], np.float32)
    with store.writing():
        space = store.ensure_space(load_model(model), model)
        store.activate(space)
        for n in range(100):
            named = n < 80
            angle = (1.5 if named else 0.1) + n / 1000
            vector = np.array([np.cos(angle), np.sin(angle)], np.float32)
            tags = Tags(artist="The Deep" if named else "", title=f"{n}")
            embedding = TrackEmbedding(str(n).encode(), 10.0 * n, vector, span, vector[None], tags)
            store.save_track(f"/nowhere/{n}.mp3", FileStamp(1, 1), embedding, space)
    hits = library.search("low by The Deep", limit=30, per_artist=1, min_score=50)
    fitting = [hit for hit in hits if not hit.named]
    assert len(fitting) == 20


@pytest.mark.parametrize("size", [0, 1, 255, 256, 1000, 50_000])
@pytest.mark.parametrize("count", [1, 10, 64, 2000])
def test_the_best_are_those_of_a_full_sort(size: int, count: int) -> None:
    random = np.random.default_rng(size + count)
    ranking = random.normal(size=size).astype(np.float32)
    ranking[random.random(size) < 0.3] = -np.inf
    expected = [int(n) for n in np.argsort(-ranking, kind="stable") if np.isfinite(ranking[n])]
    assert top_rows(ranking, count).tolist() == expected[:count]


def test_ties_are_broken_by_the_row() -> None:
    assert top_rows(np.array([1, 2, 2, 1], np.float32), 4).tolist() == [1, 2, 0, 3]


@pytest.mark.parametrize("score", [float("nan"), -1.0, 101.0])
def test_a_lowest_score_outside_of_the_scale_is_refused(named: Library, score: float) -> None:
    with pytest.raises(QueryError, match="the lowest score must be 0 to 100"):
        named.search("low", min_score=score)
