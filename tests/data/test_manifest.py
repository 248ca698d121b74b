import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from tunespace.data.manifest import Manifest, missing_audio
from tunespace.errors import DataError
from tunespace.evaluation import Item, load_manifest, with_audio

ROW = {
    "audio": "a.mp3",
    "start": 1.5,
    "duration": 10.0,
    "tags": ["rock, hard", "guitar"],
    "captions": ["A song, loud; fast.", "Loud."],
    "title": "T",
    "artist": "A",
    "year": 1999,
    "split": "test",
    "genre": "rock",
}


def expected(folder: Path, line: int) -> Item:
    return Item(
        track_id="a.mp3@1.5+10.0",
        audio=folder / "a.mp3",
        start=1.5,
        duration=10.0,
        title="T",
        artist="A",
        year=1999,
        tags=("rock, hard", "guitar"),
        captions=("A song, loud; fast.", "Loud."),
        split="test",
        labels={"genre": "rock"},
        line=line,
    )


def test_every_format_gives_the_same(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text(json.dumps(ROW) + "\n\n")
    parquet.write_table(pa.Table.from_pylist([ROW]), tmp_path / "m.parquet")
    cells = [json.dumps(v) if isinstance(v, list) else str(v) for v in ROW.values()]
    (tmp_path / "m.tsv").write_text("\t".join(ROW) + "\n" + "\t".join(cells) + "\n")
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in cells]
    (tmp_path / "m.csv").write_text(",".join(ROW) + "\n" + ",".join(quoted) + "\n")
    for name, line in (("m.jsonl", 1), ("m.parquet", 1), ("m.tsv", 2), ("m.csv", 2)):
        assert load_manifest(tmp_path / name).items == (expected(tmp_path, line),)


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ("rock;hard, loud", ("rock", "hard, loud")),
        ("rock | loud", ("rock", "loud")),
        ("rock, loud", ("rock", "loud")),
        ("rock", ("rock",)),
        ("[1, 2", ("[1", "2")),
    ],
)
def test_lists_in_a_cell(tmp_path: Path, cell: str, tags: tuple[str, ...]) -> None:
    (tmp_path / "m.tsv").write_text(f"path\ttag\na.mp3\t{cell}\n")
    assert load_manifest(tmp_path / "m.tsv").items[0].tags == tags


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    rows = [
        "audio,track_id,start,duration,captions,tags",
        "a.mp3,1,,,fine,x",
        ",2,,,fine,x",
        "b.mp3,1,,,fine,x",
        "c.mp3,3,soon,0,fine,x",
        'd.mp3,4,-1,,"["" ""]",x;;y',
    ]
    (tmp_path / "m.csv").write_text("\n".join(rows))
    with pytest.raises(DataError) as raised:
        load_manifest(tmp_path / "m.csv")
    reported = str(raised.value)
    for what in (
        "line 3: names no audio",
        "line 4: '1' is also line 2",
        "line 5: start 'soon' is not a number",
        "line 5: duration is 0",
        "line 6: start '-1' is not possible",
        "line 6: an empty text among its captions",
        "line 6: an empty text among its tags",
    ):
        assert what in reported
    assert len(raised.value.problems) == 7


def test_files_that_are_missing_are_all_named(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("audio\na.mp3\nb.mp3\nm.csv\n")
    manifest = load_manifest(tmp_path / "m.csv")
    missing = missing_audio(manifest.items, "m")
    assert missing == [f"m line {n}: {tmp_path / name} does not exist" for n, name in
                       ((2, "a.mp3"), (3, "b.mp3"))]  # fmt: skip
    assert [item.track_id for item in with_audio(manifest).items] == ["m.csv"]


def test_problems_of_file_and_clips_are_reported_together(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("audio,split\na.mp3,train\nb.mp3\nc.mp3,train\nc.mp3,test\n")
    with pytest.raises(DataError) as raised:
        load_manifest(tmp_path / "m.csv", faults=lambda items: missing_audio(items, "m"))
    reported = [problem.rpartition("/")[2] for problem in raised.value.problems]
    assert reported == [
        "m.csv line 3: there are not 2 values",
        "m.csv line 5: 'c.mp3' is also line 4, with other values",
        *(f"{name}.mp3 does not exist" for name in "ac"),
    ]
    with pytest.raises(DataError) as raised:
        load_manifest(tmp_path / "m.csv", split="dev")
    assert "no split 'dev'; it has train" in raised.value.problems[-1]
    assert len(raised.value.problems) == 3


def test_an_unknown_split_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("audio,split\na.mp3,train\nb.mp3,test\n")
    manifest = load_manifest(tmp_path / "m.csv")
    assert [item.track_id for item in manifest.subset("test").items] == ["b.mp3"]
    with pytest.raises(DataError, match="no split 'dev'; it has test, train"):
        manifest.subset("dev")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.csv", b"", "contains no clips"),
        ("m.csv", b"audio,tags\na.mp3\n", "line 2: there are not 2 values"),
        ("m.csv", b"audio\n\xff.mp3\n", "not text in UTF-8"),
        ("m.jsonl", b"{", "line 1: is not JSON"),
        ("m.jsonl", b"[]", "line 1: is not an object"),
        ("m.parquet", b"nothing", "cannot be read as Parquet"),
        ("m.xls", b"", ".xls files cannot be read"),
    ],
)
def test_garbage_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_manifest(tmp_path / name)


def test_no_file(tmp_path: Path) -> None:
    for name in ("m.csv", "m.parquet"):
        with pytest.raises(DataError, match="does not exist"):
            load_manifest(tmp_path / name)


def test_the_hash_is_that_of_the_evaluated_clips(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("audio,tags\na.mp3,x\n")
    (tmp_path / "n.csv").write_text("audio,tags\na.mp3,y\n")
    first = load_manifest(tmp_path / "m.csv").sha256
    assert first == load_manifest(tmp_path / "m.csv").sha256
    assert first != load_manifest(tmp_path / "n.csv").sha256
    (tmp_path / "a.mp3").write_bytes(b"other audio")
    assert first != load_manifest(tmp_path / "m.csv").sha256


def loaded(tmp_path: Path, name: str, content: str | bytes) -> Manifest:
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / name).write_bytes(data)
    return load_manifest(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "audio;caption\n0.flac;Slow, soft\n1.flac;Loud\n"),
        ("a.csv", "audio\tcaption\n0.flac\tSlow, soft\n1.flac\tLoud\n"),
        ("a.csv", "sep=;\naudio;caption\n0.flac;Slow, soft\n1.flac;Loud\n"),
        ("a.csv", 'Audio,Caption\n0.flac,"Slow, soft"\n1.flac,Loud\n'),
        ("a.csv", 'file_name,text\n0.flac,"Slow, soft"\n1.flac,Loud\n'),
        ("a.csv", ',File Name,Sentence\n0,0.flac,"Slow, soft"\n1,1.flac,Loud\n'),
        ("a.csv", 'audio,caption\n0.flac,"Slow, soft"\n\n,\n1.flac,Loud\n'),
        ("a.csv", 'audio,caption\n0.flac,"Slow, soft"\n1.flac,Loud\n'.encode("utf-16")),
        ("a.csv", 'audio,captions,text\n0.flac,"Slow, soft",ID3\n1.flac,Loud,\n'),
    ],
)
def test_tables_as_programs_write_them(name: str, content: str | bytes, tmp_path: Path) -> None:
    manifest = loaded(tmp_path, name, content)
    read = [(item.audio and item.audio.name, item.captions) for item in manifest.items]
    assert read == [("0.flac", ("Slow, soft",)), ("1.flac", ("Loud",))]
    assert all(not item.labels for item in manifest.items)


def test_two_columns_of_one_meaning_are_one_error(tmp_path: Path) -> None:
    rows = "".join(f"{n}.flac,Slow,ID3 text\n" for n in range(20_000))
    with pytest.raises(DataError, match="'caption' and 'text' all mean captions") as raised:
        loaded(tmp_path, "a.csv", "audio,caption,text\n" + rows)
    assert len(raised.value.problems) == 1


def test_a_column_that_is_not_read_is_a_remark(tmp_path: Path) -> None:
    manifest = loaded(tmp_path, "a.csv", "id,track_id,audio\n1,a,0.flac\n2,b,1.flac\n")
    assert [item.track_id for item in manifest.items] == ["a", "b"]
    assert manifest.remarks == ("a.csv: 'track_id' is read as track_id, and not 'id'",)


def test_a_table_without_audio_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="it needs a column 'audio'; its columns: 'song'") as raised:
        loaded(tmp_path, "a.csv", "song\n" + "a\n" * 20_000)
    assert len(raised.value.problems) == 1


def test_missing_values_are_no_values(tmp_path: Path) -> None:
    rows = (
        '{"audio": "0.flac", "caption": NaN, "genre": NaN, "artist": NaN, "year": NaN}\n'
        '{"audio": "1.flac", "caption": "Loud", "genre": "rock", "artist": "Ann", "year": 1999.0}\n'
    )
    first, second = loaded(tmp_path, "a.jsonl", rows).items
    assert (first.captions, dict(first.labels), first.artist, first.year) == ((), {}, "", None)
    assert (second.captions, second.artist, second.year) == (("Loud",), "Ann", 1999)
    text = "audio,caption,genre,year\n0.flac,nan,NaN,\n1.flac,Loud,rock,1999-04-03\n"
    first, second = loaded(tmp_path, "b.csv", text).items
    assert (first.captions, dict(first.labels), first.year) == ((), {}, None)
    assert (dict(second.labels), second.year) == ({"genre": "rock"}, 1999)


def test_a_missing_number_does_not_refuse_a_parquet_table(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    years = pyarrow.array([float("nan"), 1999.0])
    table = pyarrow.table({"audio": ["0.flac", "1.flac"], "year": years, "caption": ["a", "b"]})
    parquet.write_table(table, tmp_path / "a.parquet")
    assert [i.year for i in load_manifest(tmp_path / "a.parquet").items] == [None, 1999]


def test_rows_of_one_clip_are_one_clip(tmp_path: Path) -> None:
    rows = "audio,caption\n0.flac,Slow piano\n0.flac,A calm piece\n1.flac,Loud\n0.flac,Slow piano\n"
    items = loaded(tmp_path, "a.csv", rows).items
    assert [item.captions for item in items] == [("Slow piano", "A calm piece"), ("Loud",)]
    rejected: list[str] = []
    manifest = load_manifest(tmp_path / "a.csv", rejected=rejected)
    assert (len(manifest.items), rejected) == (2, [])
    numbered = "audio,caption_1,caption_2\n0.flac,Slow piano,A calm piece\n1.flac,Loud,\n"
    items = loaded(tmp_path, "b.csv", numbered).items
    assert [item.captions for item in items] == [("Slow piano", "A calm piece"), ("Loud",)]


def test_rows_of_one_id_with_different_clips_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is also line 2, with other values"):
        loaded(tmp_path, "a.csv", "track_id,audio\n1,a.flac\n1,b.flac\n")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes")
def test_a_pipe_is_no_table(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "music.csv")
    with pytest.raises(DataError, match="is not a regular file"):
        load_manifest(tmp_path / "music.csv")
