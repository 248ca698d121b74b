import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import tiny_model
from tunespace.errors import DataError
from tunespace.evaluation import compare, load_data
from tunespace.evaluation.html_report import html_report
from tunespace.evaluation.published_results import Published
from tunespace.models import Model, load_model


@pytest.fixture
def deaf(tmp_path: Path) -> Model:
    """The same towers under another name."""
    folder = tiny_model.make(tmp_path / "deaf")
    tiny_model.write_config(folder, name="deaf")
    return load_model(folder)


def test_differences_are_in_pairs(model: Model, deaf: Model, clips: Path) -> None:
    manifest, protocols = load_data(str(clips / "manifest.csv"))
    found = compare([model, deaf], manifest, protocols, cache=clips / "c.sqlite")
    rows = {(row.protocol, row.figure): row for row in found.rows}
    row = rows["tag-to-music", "roc_auc"]
    assert [value.n for value in row.values] == [4, 4]
    # Both folders hold the same towers under two names.
    assert row.differences[0].value == 0
    assert row.differences[0].p == 1
    content = json.loads(json.dumps(found.as_json()))
    assert content["models"] == [model.identity, deaf.identity]
    assert len(content["reports"]) == 2


def test_clips_that_one_model_cannot_embed_are_left_out_for_all(
    model: Model, deaf: Model, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tunespace.evaluation.embed_clips import embed_clips as whole

    def half_deaf(judged: Model, wanted: list, **options: object) -> tuple:  # type: ignore[type-arg]
        vectors, failed = whole(judged, wanted, **options)  # type: ignore[arg-type]
        if judged.name == "deaf":
            failed |= {n: "is too short" for n, clip in enumerate(wanted) if "3.wav" in clip.path}
        return vectors, failed

    # By the module's name: `tunespace.evaluation.evaluate` is the function.
    module = importlib.import_module("tunespace.evaluation.evaluate")
    monkeypatch.setattr(module, "embed_clips", half_deaf)
    manifest, protocols = load_data(str(clips / "manifest.csv"))
    found = compare([model, deaf], manifest, protocols, cache=clips / "c.sqlite")
    assert [len(report.vectors) for report in found.reports] == [3, 3]
    assert [report.failed for report in found.reports] == [{"d": "(deaf) is too short"}] * 2
    assert all(value.n for row in found.rows for value in row.values)


def test_comparing_no_model_or_one_model_twice_is_refused(model: Model, clips: Path) -> None:
    manifest, protocols = load_data(str(clips / "manifest.csv"))
    for models, reason in (([], "at least one model"), ([model, model], "is given 2 times")):
        with pytest.raises(DataError, match=reason):
            compare(models, manifest, protocols)


def test_the_report_is_a_self_contained_page(model: Model, deaf: Model, clips: Path) -> None:
    manifest, protocols = load_data(str(clips / "manifest.csv"))
    found = compare([model, deaf], manifest, protocols, cache=clips / "c.sqlite")
    other = Published("d", "s", "genre", "<b>Other</b>", "accuracy", 0.5, "Paper 2020", "")
    shown = html_report(found, [other])
    hashes = [found.identity.partition("@")[2] for found in (model, deaf)]
    for text in (
        *hashes,
        "Clips in the training data of the models",
        "tiny: unknown",
        "roc_auc",
        "Rank of the first",
        "Map of tiny",
    ):
        assert text in shown
    assert "&lt;b&gt;Other" in shown
    assert "<b>Other" not in shown
    assert shown.count("<script") >= 4
    assert 'src="http' not in shown.split("<h2>")[0]
    assert np.isfinite(found.rows[0].values[0].value)


def test_without_plotly_the_error_names_the_extra(
    model: Model, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, protocols = load_data(str(clips / "manifest.csv"))
    found = compare([model], manifest, protocols, cache=clips / "c.sqlite")
    monkeypatch.setitem(sys.modules, "plotly", None)
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(DataError, match=r"pip install 'tunespace\[evaluate\]'"):
        html_report(found)
