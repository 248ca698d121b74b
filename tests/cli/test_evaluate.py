import json
import os
from pathlib import Path

import pytest

from .conftest import Run


@pytest.fixture
def manifest(music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TUNESPACE_CACHE", str(tmp_path / "cache.sqlite"))
    path = music / "m.csv"
    path.write_text("audio,tags,genre\nlow.flac,low,low\nhigh.flac,high,high\n")
    return path


def test_results_are_a_table(run: Run, manifest: Path) -> None:
    done = run("evaluate", os.environ["TUNESPACE_MODEL"], "--data", manifest)
    assert done.code == 0
    assert "tiny@" in done.out
    assert "2 clips" in done.out
    assert "roc_auc" in done.out
    assert "not run: sentence-to-music: no clip has captions" in done.out


def test_json_for_programs_and_a_file(run: Run, manifest: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    model = os.environ["TUNESPACE_MODEL"]
    done = run("evaluate", model, "--data", manifest, "--json", "--out", out)
    assert done.json() == json.loads(out.read_text())
    names = [p["protocol"]["name"] for p in done.json()["protocols"]]
    assert names == ["tag-to-music", "zero-shot", "negation"]
    only = run("evaluate", model, "--data", manifest, "--protocol", "zero-shot", "--json")
    assert [p["protocol"]["name"] for p in only.json()["protocols"]] == ["zero-shot"]


def test_invalid_data_is_reported_in_sentences(run: Run, manifest: Path, tmp_path: Path) -> None:
    model = os.environ["TUNESPACE_MODEL"]
    assert run("evaluate", model, "--data", "nothing").code == 1
    assert run("evaluate", model, "--data", manifest, "--protocol", "x").code == 2
    failed = run("evaluate", model, "--data", manifest, "--out", tmp_path / "no" / "r.json")
    assert failed.code == 1
    assert "cannot be written" in failed.err
    manifest.write_text("audio,genre\nlow.flac,a\ngone.flac,b\nhigh.flac,c\n")
    failed = run("evaluate", model, "--data", manifest)
    assert failed.code == 1
    assert "line 3" in failed.err
    done = run("evaluate", model, "--data", manifest, "--skip-missing")
    assert done.code == 0
    assert "2 clips" in done.out


def test_compare_writes_a_table_figures_and_a_page(
    run: Run, manifest: Path, tmp_path: Path
) -> None:
    model = os.environ["TUNESPACE_MODEL"]
    html, out = tmp_path / "page.html", tmp_path / "c.json"
    done = run("compare", model, "--data", manifest, "--html", html, "--out", out)
    assert done.code == 0
    assert "2 clips" in done.out
    assert "<h1>m</h1>" in html.read_text()
    assert json.loads(out.read_text())["rows"]
    assert run("compare", model, model, "--data", manifest).code == 1


def test_overlap_with_training_data_is_reported(run: Run, manifest: Path, music: Path) -> None:
    model = os.environ["TUNESPACE_MODEL"]
    assert "leakage: unknown" in run("evaluate", model, "--data", manifest).out
    training = music / "train.csv"
    training.write_text("audio\nlow.flac\n")
    done = run("evaluate", model, "--data", manifest, "--trained-on", training)
    assert "leakage: 1 of 2 clips are in the training data (1 by id" in done.out
    done = run(
        "evaluate", model, "--data", manifest, "--trained-on", training, "--compare-recordings",
        "--json",
    )  # fmt: skip
    assert done.json()["leakage"]["by_id"] == ["low.flac"]
    assert isinstance(done.json()["leakage"]["by_fingerprint"], list)


def test_unknown_names_are_all_reported_at_once(run: Run, manifest: Path) -> None:
    model = os.environ["TUNESPACE_MODEL"]
    manifest.write_text("audio,tags,genre\nlow.flac,low,low\ngone.flac,high,high\nhigh.flac\n")
    failed = run(
        "evaluate", model, "--data", manifest, "--label", "mood", "--tag", "harp", "--tag", "low",
        "--protocol", "tag-to-music", "--protocol", "sentence-to-music",
    )  # fmt: skip
    assert failed.code == 1
    for what in (
        "line 4: there are not 3 values",
        "line 3: ",
        "gone.flac does not exist",
        "no clip carries the tag 'harp'",
        "sentence-to-music cannot be run: no clip has captions",
        "mood cannot be run: no clip carries the label 'mood'; labels are genre",
    ):
        assert what in failed.err
    assert "'low'" not in failed.err


def test_the_audio_view_can_be_chosen(run: Run, manifest: Path) -> None:
    model = os.environ["TUNESPACE_MODEL"]
    done = run("evaluate", model, "--data", manifest, "--seconds", "0.5", "--pooling", "windows")
    assert "audio: 0.5 s, in the model's own windows, as the mean of unit vectors" in done.out
    done = run("evaluate", model, "--data", manifest, "--label", "genre", "--tag", "low", "--json")
    found = {p["protocol"]["name"]: p for p in done.json()["protocols"]}
    assert [row["tag"] for row in found["tag-to-music"]["tables"]["tags"]] == ["low"]
    assert found["genre"]["protocol"]["kind"] == "zero-shot classification"
    assert run("evaluate", model, "--data", manifest, "--seconds", "0").code == 2


def test_compare_reports_the_overlap_of_each_model(run: Run, manifest: Path) -> None:
    model = os.environ["TUNESPACE_MODEL"]
    training = manifest.parent / "train.csv"
    training.write_text("audio\nlow.flac\n")
    assert "leakage: unknown" in run("compare", model, "--data", manifest).out
    given = f"{model}={training}"
    done = run("compare", model, "--data", manifest, "--trained-on", given)
    assert "tiny: leakage: 1 of 2 clips" in done.out
    assert run("compare", model, "--data", manifest, "--trained-on", str(training)).code == 2
