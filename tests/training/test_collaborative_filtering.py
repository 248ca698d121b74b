from pathlib import Path

import numpy as np
import pytest

import tunespace
from tiny_music import KINDS, manifest
from tunespace.errors import TrainingError
from tunespace.evaluation import load_manifest
from tunespace.training import collaborative_filtering as culture
from tunespace.training.collaborative_filtering import (
    load_factors,
    read_plays,
    save_factors,
    similar_artists,
    train_factors,
)
from tunespace.training.loop.train import train
from tunespace.training.recipe.recipe import load_recipe

TASTES = (("Ann", "Bob", "Cy"), ("Xen", "Yan", "Zed"))


def plays() -> list[tuple[str, str, float]]:
    """Forty people with one of two tastes, who each know two of its three artists."""
    random = np.random.default_rng(0)
    return [
        (f"user {n}", artist, float(random.integers(1, 50)))
        for n in range(40)
        for artist in random.permutation(TASTES[n % 2])[:2]
    ]


def test_artists_with_the_same_listeners_are_similar() -> None:
    found = train_factors(plays(), width=2)
    assert set(found) == {name.lower() for taste in TASTES for name in taste}
    assert all(np.linalg.norm(row) == pytest.approx(1, abs=1e-5) for row in found.values())
    for taste in TASTES:
        for name in taste:
            near = similar_artists(found, most=2)[name.lower()]
            assert set(near) == {other.lower() for other in taste if other != name}


def test_the_command_computes_factors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "plays.csv"
    rows = [f"{user},{artist},{count}" for user, artist, count in plays()]
    table.write_text("\n".join(["user,artist,count", *rows]) + "\n", encoding="utf-8")
    out = tmp_path / "factors.npz"
    monkeypatch.setattr("sys.argv", ["culture", str(table), str(out), "--width", "4"])
    culture.main()
    kept, made = load_factors(out), train_factors(plays(), width=4)
    assert list(kept) == list(made)
    for name, row in made.items():
        np.testing.assert_allclose(kept[name], row, atol=1e-6)


@pytest.mark.parametrize("row", ["ann,,", "ann,Bob,many"])
def test_an_invalid_row_is_an_error(tmp_path: Path, row: str) -> None:
    table = tmp_path / "plays.csv"
    table.write_text(f"user,artist,count\n{row}\n", encoding="utf-8")
    with pytest.raises(TrainingError, match="line 2: user, artist and a number as count"):
        list(read_plays(table))


def test_no_plays_are_refused() -> None:
    with pytest.raises(TrainingError, match="no plays"):
        train_factors([])


def test_the_graph_of_artists_joins_a_manifest(tmp_path: Path) -> None:
    music = manifest(tmp_path, copies=3)
    factors = {f"artist {n}": row for n, row in enumerate(np.eye(3, dtype=np.float32))}
    factors["artist 0"] = np.array([0.6, 0.8, 0], np.float32)
    factors["nobody here"] = np.array([1, 0, 0], np.float32)
    out = tmp_path / "with.jsonl"
    known = culture.write_similar_artists(music, factors, out, most=2)
    assert known == 3
    items = load_manifest(out).items
    first = next(item for item in items if item.artist == "artist 0")
    # Those of the manifest, in its spelling; who is not in it is no answer to anything.
    assert first.similar_artists == ("artist 1", "artist 2")
    assert first.audio is not None
    assert first.audio.exists()


SMALL = (
    "front_end={sample_rate: 16000, n_fft: 1024, hop: 320, n_mels: 16, f_max: 8000.0}",
    "seconds=0.64",
    "audio_tower.channels=4",
    "audio_tower.width=8",
    "text_tower.width=8",
    "projection.dim=8",
    "schedule.epochs=1",
    "schedule.batch_size=6",
)


@pytest.fixture
def factors(tmp_path: Path) -> Path:
    path = tmp_path / "factors.npz"
    random = np.random.default_rng(0)
    save_factors({f"artist {n}": random.normal(size=4).astype(np.float32) for n in (0, 2)}, path)
    return path


def test_a_hybrid_model_predicts_factors_of_unknown_artists(tmp_path: Path, factors: Path) -> None:
    music = manifest(tmp_path / "music")
    # Narrower, the embeddings of the few texts are nearly alike after few steps.
    changes = [*SMALL, "projection.dim=16", f"collaborative.factors={factors}"]
    recipe = load_recipe("won2021", changes=changes)
    trained = train(recipe, music, tmp_path / "run", cache=tmp_path / "cache", log=lambda _: None)
    model = tunespace.load_model(trained.model)
    embeddings = model.embed_audio([music.parent / f"{kind}-loud-2.wav" for kind in KINDS])
    assert embeddings.shape == (3, 16)
    assert np.ptp(embeddings, axis=0).max() > 0


def test_a_cultural_branch_alone_is_refused_before_training(tmp_path: Path, factors: Path) -> None:
    music = manifest(tmp_path / "music")
    changes = [*SMALL, f"collaborative.factors={factors}", "collaborative.branch=cultural"]
    recipe = load_recipe("won2021", changes=changes)
    lines: list[str] = []
    with pytest.raises(TrainingError, match="uses no audio"):
        train(recipe, music, tmp_path / "run", cache=tmp_path / "cache", log=lines.append)
    notes = [n for n, line in enumerate(lines) if "uses no audio" in line]
    assert notes
    assert notes[0] < next(n for n, line in enumerate(lines) if line.startswith("epoch 1"))
    assert (tmp_path / "run" / "metrics.csv").exists()
