from pathlib import Path

import pytest

from tunespace.errors import DataError
from tunespace.evaluation import DATASETS, load_data
from tunespace.evaluation.datasets.emotify import EMOTIONS, TTMR_TEST, UNSEEN_ARTISTS

# The head of the published file; its names of columns begin with a blank.
HEAD = (
    "track id, genre, amazement, solemnity, tenderness, nostalgia, calmness, power,"
    " joyful_activation, tension, sadness, mood, liked, disliked, age, gender, mother tongue"
)


def published(folder: Path, votes: dict[int, list[str]]) -> Path:
    lines = [HEAD]
    for number, listeners in votes.items():
        genre = ("classical", "rock", "electronic", "pop")[(number - 1) // 100]
        lines += [f"{number},{genre},{','.join(vote)},3,0,0,21,1,English" for vote in listeners]
    (folder / "data.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_reads_the_published_file(tmp_path: Path) -> None:
    root = published(
        tmp_path,
        {1: ["100000000", "110000000"], 110: ["000010000"], 200: ["000000001"], 301: ["000001000"]},
    )
    items = load_data("emotify", root)[0].items
    assert [item.track_id for item in items] == ["1", "110", "200", "301"]
    # TTMR's mapping has 110 as number 100.
    names = [str(item.audio.relative_to(root)) for item in items if item.audio]
    assert names == ["classical/1.mp3", "rock/10.mp3", "rock/100.mp3", "pop/1.mp3"]
    assert [item.labels["emotion"] for item in items] == [
        "amazement",
        "calmness",
        "sadness",
        "power",
    ]
    assert items[0].labels["genre"] == "classical"
    assert items[0].captions == ("a wonder, solemn piece of classical music",)
    assert "wonder" in items[0].tags
    assert "sad" not in items[0].tags


def test_the_archive_s_own_folder_is_found(tmp_path: Path) -> None:
    root = published(tmp_path, {1: ["100000000"]})
    inner = root / "emotifymusic" / "classical" / "1.mp3"
    inner.parent.mkdir(parents=True)
    inner.write_bytes(b"music")
    assert load_data("emotify", root)[0].items[0].audio == inner


def test_reads_a_table_of_means(tmp_path: Path) -> None:
    head = ["track_id", "path", "genre", "title", "artist", "album", *EMOTIONS]
    row = ["7", "audio/7.opus", "classical", 'A "T"', "Ann", "B", *["0.5"] * 8, "0.75"]
    (tmp_path / "emotify.tsv").write_text("\t".join(head) + "\n" + "\t".join(row) + "\n")
    item = load_data("emotify", tmp_path)[0].items[0]
    assert (item.artist, item.title) == ("Ann", 'A "T"')
    assert item.labels["emotion"] == "sadness"


def test_splits(tmp_path: Path) -> None:
    root = published(tmp_path, {n: ["100000000"] for n in range(1, 401)})
    assert len(load_data("emotify", root)[0].items) == 400
    for split, numbers in (("ttmr-test", TTMR_TEST), ("unseen-artists", UNSEEN_ARTISTS)):
        items = load_data("emotify", root, split)[0].items
        assert {int(item.track_id) for item in items} == numbers
    assert (len(TTMR_TEST), len(UNSEEN_ARTISTS)) == (80, 99)
    with pytest.raises(DataError, match="no split 'train'; it has all"):
        load_data("emotify", root, "train")


def test_missing_files_are_reported_with_the_expected_layout(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data.csv is missing.*\n.*Put the published archive"):
        load_data("emotify", tmp_path)
    (tmp_path / "data.csv").write_text("id,genre\n1,rock\n")
    with pytest.raises(DataError, match="not in the published format"):
        load_data("emotify", tmp_path)


def test_every_data_set_has_a_description() -> None:
    for name, dataset in DATASETS.items():
        assert dataset.name == name
        for text in (dataset.title, dataset.citation, dataset.licence, dataset.needs):
            assert text
        assert dataset.splits
        assert dataset.protocols
    with pytest.raises(DataError, match="ecals, emotify"):
        load_data("nothing")
