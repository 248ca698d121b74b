"""Each data set on small files in its published format."""

import json
from pathlib import Path

import pytest

from tunespace.errors import DataError
from tunespace.evaluation import DATASETS, Item, load_data
from tunespace.evaluation.datasets.gtzan import FILTERED_TEST, GENRES
from tunespace.evaluation.datasets.musiccaps import MusicCaps


def write(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def read(name: str, root: Path, split: str = "") -> tuple[Item, ...]:
    return load_data(name, root, split)[0].items


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_missing_files_are_reported(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is missing\.\nPut"):
        load_data(name, tmp_path)


def test_mtg_jamendo(tmp_path: Path) -> None:
    head = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\n"
    rows = (
        "track_0000215\tartist_000014\talbum_000031\t15/215.mp3\t151.4\tgenre---punkrock\t"
        "mood/theme---dark\n"
        "track_0000216\tartist_000014\talbum_000031\t16/216.mp3\t234.9\tinstrument---piano\n"
    )
    table = Path("splits/split-3/autotagging_moodtheme-test.tsv")
    write(tmp_path / "data" / table, head + rows)
    low = write(tmp_path / "audio/16/216.low.mp3")
    manifest, _ = load_data("mtg-jamendo", tmp_path, "moodtheme-test-3")
    first, second = manifest.items
    assert first.tags == ("punk rock", "dark")
    assert manifest.categories == {"punk rock": "genre", "dark": "mood", "piano": "instrument"}
    assert (first.track_id, first.artist_id) == ("track_0000215", "artist_000014")
    assert second.audio == low
    assert read("mtg-jamendo", tmp_path / "data", "moodtheme-test-3")[0].tags == first.tags
    write(tmp_path / "data" / table, head + "track_1\tmetal\n")
    with pytest.raises(DataError, match="'track_1' is not a row"):
        load_data("mtg-jamendo", tmp_path, "moodtheme-test-3")
    assert len(DATASETS["mtg-jamendo"].splits) == 75


def test_musiccaps(tmp_path: Path) -> None:
    head = (
        "ytid,start_s,end_s,audioset_positive_labels,aspect_list,caption,author_id,"
        "is_balanced_subset,is_audioset_eval\n"
    )
    rows = (
        """-0Gj8,30,40,"/m/1","['low quality', ""singer's voice""]","A song, slow.",4,True,True\n"""
        """abc,0,10,"/m/04rlf","['rock']",Loud.,4,False,False\n"""
    )
    write(tmp_path / "musiccaps-public.csv", head + rows)
    audio = write(tmp_path / "audio/-0Gj8.m4a")
    (item,) = read("musiccaps", tmp_path)
    assert item.tags == ("low quality", "singer's voice")
    assert item.captions == ("A song, slow.",)
    assert item.audio == audio
    named = write(tmp_path / "audio/abc_0.wav")
    assert [i.audio for i in read("musiccaps", tmp_path, "train")] == [named]
    assert len(read("musiccaps", tmp_path, "all")) == 2
    assert len(read("musiccaps", tmp_path, "balanced")) == 1
    assert MusicCaps().modified_files(tmp_path) == ["musiccaps-public.csv"]
    remarks = load_data("musiccaps", tmp_path)[0].remarks
    assert remarks == ("musiccaps-public.csv is not as it was published (its SHA-256 differs)",)
    write(tmp_path / "musiccaps-public.csv", "ytid,caption\na,b\n")
    with pytest.raises(DataError, match="not in the published format"):
        load_data("musiccaps", tmp_path)


def test_song_describer(tmp_path: Path) -> None:
    head = (
        "caption_id,track_id,caption,is_valid_subset,familiarity,artist_id,album_id,path,duration\n"
    )
    rows = (
        '1,44,"Slow, sad.",True,0,9,3,44/44.mp3,200.0\n'
        "2,44,A slow piano.,False,0,9,3,44/44.mp3,200.0\n"
        "3,45,Fast.,False,0,9,3,45/45.mp3,200.0\n"
    )
    write(tmp_path / "song_describer.csv", head + rows)
    audio = write(tmp_path / "audio/44/44.2min.mp3")
    first, second = read("song-describer", tmp_path)
    assert first.captions == ("Slow, sad.", "A slow piano.")
    assert (first.audio, first.artist_id, second.track_id) == (audio, "9", "45")
    (valid,) = read("song-describer", tmp_path, "valid")
    assert valid.captions == ("Slow, sad.",)


def test_magnatagatune(tmp_path: Path) -> None:
    tags = [f"tag{n}" for n in range(60)]
    head = "\t".join(f'"{name}"' for name in ("clip_id", *tags, "mp3_path")) + "\n"

    def row(clip: int, carried: set[int], path: str) -> str:
        cells = ["1" if n in carried else "0" for n in range(60)]
        return "\t".join(f'"{cell}"' for cell in (str(clip), *cells, path)) + "\n"

    common = set(range(50))
    text = head + row(1, common, "0/a.mp3") + row(2, {3, 55}, "d/b.mp3")
    text += row(3, {55}, "f/c.mp3") + row(4, set(), "c/d.mp3")
    write(tmp_path / "annotations_final.csv", text)
    write(
        tmp_path / "clip_info_final.csv",
        '"clip_id"\t"track_number"\t"title"\t"artist"\t"album"\n"2"\t"1"\t"T"\t"A"\t"B"\n',
    )
    audio = write(tmp_path / "mp3/d/b.mp3")
    first, second = read("magnatagatune", tmp_path)
    # tag55 is carried twice, as often as tag3: it is one of the 50, and the last column is not.
    assert first.tags == ("tag3", "tag55")
    assert (first.audio, first.artist, first.title) == (audio, "A", "T")
    assert second.tags == ("tag55",)
    assert len(read("magnatagatune", tmp_path, "train")) == 1
    with pytest.raises(DataError, match="contains no clips"):
        read("magnatagatune", tmp_path, "clean-validation")
    assert len(read("magnatagatune", tmp_path, "validation")) == 1


def test_gtzan(tmp_path: Path) -> None:
    audio = write(tmp_path / "genres/blues/blues.00012.au")
    items = read("gtzan", tmp_path)
    assert len(items) == 290 == sum(map(len, FILTERED_TEST.values()))
    assert items[0].audio == audio
    assert items[0].labels == {"genre": "blues"}
    assert items[-1].track_id == "rock.00090"
    assert len(read("gtzan", tmp_path, "all")) == 1000
    assert list(FILTERED_TEST) == GENRES


def test_fma(tmp_path: Path) -> None:
    names = ["split", "subset", "genre_top", "title", "name", "id", "title"]
    kinds = ["set", "set", "track", "track", "artist", "artist", "album"]
    lines = [
        "," + ",".join(kinds),
        "," + ",".join(names),
        "track_id" + "," * 7,
        '2,test,small,Hip-Hop,"Food, now",AWOL,1,Food',
        "3,training,small,Rock,T,A,2,B",
        "5,test,medium,Rock,T,A,2,B",
        "99134,test,small,Rock,T,A,2,B",
    ]
    write(tmp_path / "fma_metadata/tracks.csv", "\n".join(lines) + "\n")
    audio = write(tmp_path / "fma_medium/000/000002.mp3")
    (item,) = read("fma", tmp_path)
    assert (item.audio, item.title, item.artist) == (audio, "Food, now", "AWOL")
    assert item.labels == {"genre": "Hip-Hop"}
    assert [i.track_id for i in read("fma", tmp_path, "medium-test")] == ["2", "5"]
    assert [i.track_id for i in read("fma", tmp_path, "small-train")] == ["3"]
    write(tmp_path / "fma_metadata/tracks.csv", "a,b\n")
    with pytest.raises(DataError, match="not in the published format"):
        load_data("fma", tmp_path)


def test_lp_musiccaps(tmp_path: Path) -> None:
    row = {
        "track_id": "2",
        "title": "T",
        "artist_name": "A",
        "release": "R",
        "tags": ["classical", "violin"],
        "caption_writing": "W.",
        "caption_summary": "S.",
        "caption_paraphrase": "P.",
        "caption_attribute_prediction": "",
        "path": "f/2.mp3",
    }
    write(tmp_path / "test.jsonl", json.dumps(row) + "\n")
    audio = write(tmp_path / "audio/f/2.mp3")
    (item,) = read("lp-musiccaps", tmp_path)
    assert item.captions == ("W.", "S.", "P.")
    assert (item.audio, item.artist, item.tags) == (audio, "A", ("classical", "violin"))
    write(tmp_path / "test.jsonl", '{"path": "a.mp3"}\n')
    with pytest.raises(DataError, match="line 1: is not in the published format"):
        load_data("lp-musiccaps", tmp_path)


def test_ecals(tmp_path: Path) -> None:
    annotation = {f"TR{n}": {"tag": ["rock", f"tag {n}"], "track_id": f"TR{n}"} for n in range(4)}
    parts = {
        "train_track": ["TR0"],
        "extra_track": ["TR1"],
        "valid_track": [],
        "test_track": ["TR2", "TR3"],
    }
    write(tmp_path / "ecals_annotation/annotation.json", json.dumps(annotation))
    write(tmp_path / "ecals_annotation/ecals_track_split.json", json.dumps(parts))
    write(tmp_path / "ecals_annotation/multiquery_samples.json", json.dumps({"TR3": {}}))
    rows = [f"TR{n}\taudio/{n}.mp3" for n in range(4)]
    write(tmp_path / "paths.tsv", "track_id\tpath\n" + "\n".join(rows) + "\n")
    first, second = read("ecals", tmp_path)
    assert first.tags == ("rock", "tag 2")
    assert first.captions == ("rock, tag 2",)
    assert second.audio == tmp_path / "audio/3.mp3"
    assert [i.track_id for i in read("ecals", tmp_path, "retrieval")] == ["TR3"]
    assert [i.track_id for i in read("ecals", tmp_path, "train")] == ["TR0", "TR1"]
    write(tmp_path / "paths.tsv", "track_id\tpath\nTR2\ta.mp3\n")
    with pytest.raises(DataError, match=r"does not fit together.*TR3"):
        load_data("ecals", tmp_path)
