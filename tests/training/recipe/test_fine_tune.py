import csv
import json
from pathlib import Path

import numpy as np
import pytest

import sounds
import tiny_model
import tiny_music
import tunespace
from tiny_music import manifest
from tunespace.data.manifest import Item, load_manifest
from tunespace.errors import ModelError, TrainingError
from tunespace.training.loop.folds import artist_folds
from tunespace.training.loop.train import TrainingResult, train
from tunespace.training.recipe.fine_tune import fine_tune_recipe
from tunespace.training.recipe.recipe import load_recipe

FEW = ("schedule.epochs=80", "schedule.patience=80", "schedule.learning_rate=0.05")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def tuned(
    model: str | Path, data: Path, cache: Path, out: Path, *changes: str, folds: int = 0
) -> TrainingResult:
    recipe = fine_tune_recipe(str(model), (*FEW, *changes))
    return train(recipe, data, out, cache=cache, accelerator="cpu", folds=folds, log=lambda _: None)


@pytest.fixture(scope="module")
def contrary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Music that the tiny model calls low, under the name of high, and the other way round."""
    folder = tmp_path_factory.mktemp("contrary")
    with (folder / "mine.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["audio", "text", "split"])
        for n in range(30):
            hertz, word = ((150.0, "high"), (6000.0, "low"))[n % 2]
            name = f"{n}.wav"
            sounds.wav(folder / name, sounds.tone(1.2, 16_000, hertz + 5 * n))
            table.writerow([name, word, "train" if n < 24 else "validation"])
    return folder / "mine.csv"


def test_fine_tuning_changes_the_hits_of_a_text(
    contrary: Path, cache: Path, tmp_path: Path
) -> None:
    base = tiny_model.make(tmp_path / "base")
    files = [contrary.parent / "0.wav", contrary.parent / "1.wav"]

    def margins(model: tunespace.Model) -> list[float]:
        """Return how much closer each word is to the music that the tiny model assigns to it."""
        scores = model.embed_text(["low", "high"]) @ model.embed_audio(files).T
        return [float(scores[0, 0] - scores[0, 1]), float(scores[1, 1] - scores[1, 0])]

    before = tunespace.load_model(base)
    after = tunespace.load_model(tuned(base, contrary, cache, tmp_path / "run").model)
    assert min(margins(before)) > 0.05
    assert sum(margins(after)) < 0
    assert after.identity != before.identity
    assert after.config.front_end == before.config.front_end


def test_a_model_with_a_lexicon_keeps_its_words(cache: Path, tmp_path: Path) -> None:
    data = manifest(tmp_path / "music")
    before = tunespace.load_model()
    trained = tuned("tunespace-small", data, cache, tmp_path / "run", "schedule.epochs=2")
    after = tunespace.load_model(trained.model)
    texts = ["sad piano", "a loud tone without drums"]
    np.testing.assert_array_equal(before.embed_text(texts), after.embed_text(texts))
    assert after.lexicon_vectors is not None
    assert after.reference.shape == before.reference.shape
    path = data.parent / "low-loud-0.wav"
    near = before.embed_audio([path]) @ after.embed_audio([path]).T
    assert 0.5 < float(near[0, 0]) < 0.9999


def test_zero_epochs_give_the_original_model(cache: Path, tmp_path: Path) -> None:
    data = manifest(tmp_path / "music")
    rate = "schedule.learning_rate=1.0e-30"
    trained = tuned("tunespace-small", data, cache, tmp_path / "run", "schedule.epochs=1", rate)
    files = sorted(data.parent.glob("*.wav"))[:3]
    before, after = tunespace.load_model(), tunespace.load_model(trained.model)
    # Windows are brought to unit length before the map: one window a file, so nothing changes.
    np.testing.assert_allclose(before.embed_audio(files), after.embed_audio(files), atol=1e-5)


def test_any_recipe_can_use_a_frozen_audio_tower(cache: Path, tmp_path: Path) -> None:
    data = manifest(tmp_path / "music")
    changes = [c for c in tiny_music.SMALL if not c.startswith(("audio", "front_end", "seconds"))]
    recipe = load_recipe("ttmr2023", changes=[*changes, "audio_tower.kind=frozen"])
    trained = train(
        recipe, data, tmp_path / "run", cache=cache, accelerator="cpu", log=lambda _: None
    )
    model = tunespace.load_model(trained.model)
    assert model.embed_audio([data.parent / "low-loud-0.wav"]).shape == (1, 8)
    assert model.config.window == tunespace.load_model().config.window


def test_fine_tuning_a_missing_model_is_an_error() -> None:
    with pytest.raises(ModelError, match="there is no model"):
        fine_tune_recipe("tunespace-huge")


def test_the_figures_before_and_after_are_shown(
    contrary: Path, cache: Path, tmp_path: Path
) -> None:
    base, lines = tiny_model.make(tmp_path / "base"), list[str]()
    recipe = fine_tune_recipe(str(base), FEW)
    out = tmp_path / "run"
    trained = train(recipe, contrary, out, cache=cache, accelerator="cpu", log=lines.append)
    assert trained.before["mrr"] < trained.figures["mrr"]
    assert lines[1].startswith("before training: recall@10 ")
    assert lines[-2].startswith("validation, before and after: recall@10 ")
    # Six validation clips.
    assert "cannot show whether the model is better" in lines[-1]
    assert f"(before: {trained.before['mrr']:.4g})" in (trained.model / "README.md").read_text()
    rows = (out / "metrics.csv").read_text().splitlines()
    assert rows[1].startswith("0,0,")
    # Finished: what it says is that of the run.
    again = train(recipe, contrary, out, cache=cache, accelerator="cpu", log=lines.append)
    assert (again.before, again.figures) == (trained.before, trained.figures)


def test_no_pairs_are_kept_for_a_test_that_nobody_makes(
    contrary: Path, cache: Path, tmp_path: Path
) -> None:
    base = tiny_model.make(tmp_path / "base")
    rows = contrary.read_text(encoding="utf-8").splitlines()
    data = contrary.with_name("unsplit.csv")
    data.write_text("\n".join(row.rsplit(",", 1)[0] for row in rows), encoding="utf-8")
    out = tmp_path / "run"
    tuned(base, data, cache, out, "schedule.epochs=1")
    splits = [item.split for item in load_manifest(out / "manifest.jsonl").items]
    assert set(splits) == {"train", "validation"}
    assert len(splits) == 30


def test_a_checkpoint_of_another_project_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "clap"}))
    with pytest.raises(ModelError, match=r"is a checkpoint of another project \(clap\)"):
        fine_tune_recipe(str(tmp_path))


def test_folds_choose_the_epochs_and_all_pairs_are_trained_on(
    contrary: Path, cache: Path, tmp_path: Path
) -> None:
    base, lines = tiny_model.make(tmp_path / "base"), list[str]()
    rows = contrary.read_text(encoding="utf-8").splitlines()
    data = contrary.with_name("folds.csv")
    data.write_text("\n".join(row.rsplit(",", 1)[0] for row in rows), encoding="utf-8")
    recipe = fine_tune_recipe(str(base), FEW)
    out = tmp_path / "run"

    def tune(folds: int) -> TrainingResult:
        return train(
            recipe, data, out, cache=cache, accelerator="cpu", folds=folds, log=lines.append
        )

    trained = tune(3)
    assert trained.before["mrr"] < trained.figures["mrr"]
    assert [item.split for item in load_manifest(out / "manifest.jsonl").items] == ["train"] * 30
    assert "3 folds of artists" in (trained.model / "README.md").read_text()
    assert sum(line.startswith("fold ") for line in lines) == 3
    assert lines[-1].startswith("validation, before and after: recall@10 ")
    assert "(30 clips)" in lines[-1]
    model = tunespace.load_model(trained.model)
    files = [contrary.parent / "0.wav", contrary.parent / "1.wav"]
    scores = model.embed_text(["low", "high"]) @ model.embed_audio(files).T
    assert scores[1, 0] > scores[0, 0]  # as its pairs say, and the other way round than before
    again = tune(3)
    assert (again.figures, again.before) == (trained.figures, trained.before)


def test_folds_keep_artists_together() -> None:
    items = [Item(str(n), artist=f"artist {n % 7}" if n % 3 else "") for n in range(60)]
    folds = artist_folds(items, 5)
    assert sorted(n for fold in folds for n in fold) == list(range(60))
    assert max(map(len, folds)) - min(map(len, folds)) <= 8
    for name in {item.artist for item in items} - {""}:
        places = {k for k, fold in enumerate(folds) for n in fold if items[n].artist == name}
        assert len(places) == 1
    assert artist_folds(items[:2], 5) == [[0], [1]] or artist_folds(items[:2], 5) == [[1], [0]]


def test_pairs_of_one_artist_have_no_folds(contrary: Path, cache: Path, tmp_path: Path) -> None:
    base = tiny_model.make(tmp_path / "base")
    rows = contrary.read_text(encoding="utf-8").splitlines()
    lines = ["audio,text,artist", *(f"{row.rsplit(',', 1)[0]},One" for row in rows[1:])]
    data = contrary.with_name("one.csv")
    data.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(TrainingError, match="too few for folds of artists"):
        tuned(base, data, cache, tmp_path / "run", folds=5)


def test_pairs_that_help_nothing_are_an_error(contrary: Path, cache: Path, tmp_path: Path) -> None:
    base = tiny_model.make(tmp_path / "base")
    rows = contrary.read_text(encoding="utf-8").splitlines()
    data = contrary.with_name("nothing.csv")
    data.write_text("\n".join(row.rsplit(",", 1)[0] for row in rows), encoding="utf-8")
    # Steps so small that no rank changes.
    changes = ("schedule.epochs=2", "schedule.learning_rate=1e-9")
    with pytest.raises(TrainingError, match="training on 30 pairs makes the model no better"):
        tuned(base, data, cache, tmp_path / "run", *changes, folds=2)
