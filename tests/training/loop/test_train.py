import csv
import json
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tunespace
from tiny_music import SMALL, manifest
from tunespace.audio import cut_windows, decode
from tunespace.data.manifest import load_manifest, missing_audio
from tunespace.errors import DataError, TrainingError
from tunespace.models.config import sha256_of
from tunespace.models.onnx_towers import normalize_rows
from tunespace.training.loop.contrastive_module import ContrastiveModule
from tunespace.training.loop.export import export_run
from tunespace.training.loop.train import TrainingResult, train
from tunespace.training.recipe.recipe import Recipe, load_recipe
from tunespace.training.towers.dual_encoder import DualEncoder
from tunespace.training.towers.text_encoder import small_tokenizer


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return manifest(tmp_path_factory.mktemp("music"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


LEARNS = (
    "schedule.epochs=60",
    "schedule.patience=60",
    "schedule.batch_size=6",
    "schedule.learning_rate=0.005",
    "captions.kind=tag",
    "audio_tower.kind=linear",
)


def small(*changes: str, name: str = "ttmr2023") -> Recipe:
    return load_recipe(name, changes=[*SMALL, *changes])


def run(
    music: Path, cache: Path, out: Path, *changes: str, lines: list[str] | None = None
) -> TrainingResult:
    logged = [] if lines is None else lines
    return train(small(*changes), music, out, cache=cache, accelerator="cpu", log=logged.append)


@pytest.fixture(scope="module")
def learned(music: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
    out = tmp_path_factory.mktemp("run") / "learned"
    return run(music, cache, out, *LEARNS)


def test_a_run_learns_the_pairs(learned: TrainingResult, music: Path) -> None:
    assert learned.figures["median_rank"] <= 2  # of 6; guessing gives 3.5
    model = tunespace.load_model(learned.model)
    names = ["low-loud-2.wav", "middle-loud-2.wav", "high-loud-2.wav"]
    embeddings = model.embed_audio([music.parent / name for name in names])
    asked = model.embed_text(["low", "middle", "high"])
    assert (embeddings @ asked.T).argmax(axis=0).tolist() == [0, 1, 2]


def test_the_run_folder_is_self_contained(learned: TrainingResult) -> None:
    folder = learned.folder
    assert small().name in (folder / "recipe.yaml").read_text()
    data = json.loads((folder / "data.json").read_text())
    assert data["clips"] == {"train": 12, "validation": 6, "test": 0}
    assert len(data["sha256"]) == 64
    assert "torch" in json.loads((folder / "versions.json").read_text())
    assert ">recall@10</text>" in (folder / "curves.svg").read_text()
    with (folder / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == learned.epochs == 60
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert any(folder.glob("events*"))
    card = (learned.model / "README.md").read_text()
    assert "12 clips to learn from" in card
    assert "2211.14558" in card


def test_the_run_lists_rejected_clips(learned: TrainingResult) -> None:
    manifest = load_manifest(learned.folder / "manifest.jsonl", split="validation")
    assert len(manifest.items) == 6
    assert not missing_audio(manifest.items)
    assert manifest.items[0].tags == ("low", "loud", "tone")
    assert manifest.items[0].captions == ("a loud tone, low",)


def test_the_exported_towers_equal_the_trained_ones(learned: TrainingResult, music: Path) -> None:
    recipe = small(*LEARNS)
    towers = DualEncoder(recipe, learned.folder / "text")
    state = torch.load(learned.folder / "checkpoints" / "best.ckpt", weights_only=True)
    lesson = ContrastiveModule(recipe, towers, 1)
    lesson.load_state_dict(state["state_dict"])
    lesson.eval()
    model = tunespace.load_model(learned.model)
    path = music.parent / "low-loud-0.wav"
    front_end = recipe.front_end.log_mel()
    windows = cut_windows([front_end(decode(path, 16_000))], recipe.frames, recipe.frames)
    with torch.no_grad():
        clips = torch.from_numpy(np.stack([window.frames for window in windows]))
        wanted = normalize_rows(towers.embed_audio(clips).mean(0).numpy())
    np.testing.assert_allclose(model.embed_audio([path])[0], wanted, atol=1e-5)
    for text in ("low", "loud, low tone", "a"):
        ids = model.text_tower._tokenizer.encode(text).ids  # noqa: SLF001
        tokens = torch.tensor([ids])
        with torch.no_grad():
            point = normalize_rows(towers.embed_text(tokens, torch.ones_like(tokens))[0].numpy())
        np.testing.assert_allclose(model.embed_text([text])[0], point, atol=1e-5)


def test_a_finished_run_is_not_trained_again(
    learned: TrainingResult, music: Path, cache: Path
) -> None:
    before = (learned.folder / "checkpoints" / "last.ckpt").stat().st_mtime_ns
    again = run(
        music,
        cache,
        learned.folder,
        *LEARNS,
    )
    assert again.figures == learned.figures
    assert (learned.folder / "checkpoints" / "last.ckpt").stat().st_mtime_ns == before


def test_another_recipe_or_other_data_need_another_folder(
    learned: TrainingResult, music: Path, cache: Path, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=r"another recipe \(see its recipe.yaml\)"):
        run(music, cache, learned.folder, "captions.kind=tags")
    other = manifest(tmp_path, copies=2)
    with pytest.raises(TrainingError, match="another data"):
        run(
            other,
            cache,
            learned.folder,
            *LEARNS,
        )


def weights(out: Path) -> list[str]:
    return [sha256_of(out / "model" / name) for name in ("audio.onnx", "text.onnx")]


def test_a_run_that_was_killed_goes_on_to_the_same_weights(
    music: Path, cache: Path, tmp_path: Path
) -> None:
    whole, cut = tmp_path / "whole" / "run", tmp_path / "cut" / "run"

    # Each in its own process: how sums are rounded depends on the number of threads.
    def start(out: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tunespace", "train", "ttmr2023", "--data", str(music)]
        command += ["--out", str(out), "--cache", str(cache), "--accelerator", "cpu"]
        changes = (*SMALL, "schedule.epochs=4", "text_tower.dropout=0.3")
        command += [word for change in changes for word in ("--set", change)]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: S603

    assert start(whole).wait() == 0
    process = start(cut)
    while process.poll() is None and epochs_of(cut) < 2:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() != 0
    assert 2 <= epochs_of(cut) <= 4
    assert start(cut).wait() == 0
    assert weights(cut) == weights(whole)
    assert (cut / "metrics.csv").read_bytes() == (whole / "metrics.csv").read_bytes()
    assert curves(cut) == curves(whole)


def curves(out: Path) -> dict[str, list[int]]:
    """The steps of each curve, as TensorBoard draws them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(out))
    events.Reload()
    return {tag: [event.step for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def epochs_of(out: Path) -> int:
    try:
        return len((out / "metrics.csv").read_text().splitlines()) - 1
    except FileNotFoundError:
        return 0


ONE_STEP = ("schedule.epochs=1", "schedule.batch_size=12", "schedule.max_grad_norm=0.0")


def gradients(music: Path, cache: Path, out: Path, *changes: str) -> dict[str, torch.Tensor]:
    """Those of the first step."""
    run(music, cache, out, *ONE_STEP, *changes)
    return moments(out)


def moments(out: Path) -> dict[str, torch.Tensor]:
    """Adam's first ones: after one step a tenth of the gradients."""
    state = torch.load(out / "checkpoints" / "last.ckpt", weights_only=True)
    found = state["optimizer_states"][0]["state"]
    return {str(n): moment["exp_avg"] for n, moment in found.items()}


# Without batch norm, and without dropout, which draws for each part.
STILL = ("audio_tower.kind=linear", "text_tower.dropout=0.0", "schedule.optimizer=adam")


def test_cached_gradients_are_those_of_the_whole_batch(
    music: Path, cache: Path, tmp_path: Path
) -> None:
    whole = gradients(music, cache, tmp_path / "whole", *STILL)
    parted = gradients(music, cache, tmp_path / "parted", *STILL, "schedule.grad_cache_chunks=3")
    assert whole.keys() == parted.keys()
    for name, value in whole.items():
        torch.testing.assert_close(parted[name], value, rtol=1e-4, atol=1e-7)


def test_two_processes_give_the_gradient_of_one(music: Path, cache: Path, tmp_path: Path) -> None:
    one = gradients(music, cache, tmp_path / "one", *STILL)
    for name, extra in (("two", ()), ("parted", ("schedule.grad_cache_chunks=2",))):
        out = tmp_path / name
        command = [sys.executable, "-m", "tunespace", "train", "ttmr2023", "--data", str(music)]
        command += ["--out", str(out), "--cache", str(cache), "--accelerator", "cpu"]
        command += ["--devices", "2"]
        changes = (*SMALL, *ONE_STEP, *STILL, *extra)
        command += [word for change in changes for word in ("--set", change)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        assert done.returncode == 0, done.stderr
        assert "sync_dist" not in done.stderr
        assert done.stdout.split() == [str(out / "model")]
        assert tunespace.load_model(out / "model").dim == 8
        for key, value in moments(out).items():
            torch.testing.assert_close(value, one[key], rtol=1e-4, atol=1e-7)


def test_two_machines_give_the_gradient_of_one(music: Path, cache: Path, tmp_path: Path) -> None:
    one = gradients(music, cache, tmp_path / "one", *STILL)
    out = tmp_path / "two"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    changes = (*SMALL, *ONE_STEP, *STILL)
    processes = [
        subprocess.Popen(  # noqa: S603 - this interpreter
            [
                *(sys.executable, "-m", "torch.distributed.run", "--nnodes", "2"),
                *("--node-rank", str(rank), "--nproc-per-node", "1"),
                *("--master-addr", "127.0.0.1", "--master-port", str(port)),
                *("-m", "tunespace", "train", "ttmr2023", "--data", str(music)),
                *("--out", str(out), "--cache", str(cache), "--accelerator", "cpu"),
                *("--nodes", "2"),
                *(word for change in changes for word in ("--set", change)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for rank in (0, 1)
    ]
    outputs = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert b"sync_dist" not in outputs[0][1]
    assert (out / "model" / "audio.onnx").exists()
    for key, value in moments(out).items():
        torch.testing.assert_close(value, one[key], rtol=1e-4, atol=1e-7)


def test_rows_that_cannot_be_used_cost_a_line_each(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "noise.wav").write_bytes(b"no audio at all")
    bad = (
        {"audio": "missing.wav", "tags": "low", "split": "train"},
        {"audio": "noise.wav", "tags": "low", "split": "train"},
        {"audio": "low-loud-0.wav", "tags": "", "split": "train", "title": "no tags"},
        {"audio": "high-loud-0.wav", "tags": "low; ;high", "split": "train"},
    )
    path = manifest(tmp_path, extra=tuple(row | {"artist": "x"} for row in bad))
    lines: list[str] = []
    trained = run(path, cache, tmp_path / "run", lines=lines)
    reasons = "\n".join(trained.rejected)
    for reason in (
        "does not exist",
        "is not audio",
        "is also line",
        "an empty text among its tags",
    ):
        assert reason in reasons
    assert (tmp_path / "run" / "rejected.txt").read_text().splitlines() == trained.rejected
    assert sum(line.startswith("left out:") for line in lines) == len(trained.rejected)


def test_data_without_captions_or_tags_are_refused(
    cache: Path, tmp_path: Path, music: Path
) -> None:
    path = tmp_path / "silent.csv"
    path.write_text("audio\nx.wav\n")
    with pytest.raises(TrainingError, match="has no tag"):
        run(path, cache, tmp_path / "run")
    with pytest.raises(DataError, match="does not exist"):
        run(tmp_path / "none.csv", cache, tmp_path / "run")
    path.write_text(music.read_text().replace(",train", ",learning"))
    with pytest.raises(TrainingError, match="the split 'learning' is none of train"):
        run(path, cache, tmp_path / "run")


def test_a_nan_loss_ends_the_run_and_keeps_the_checkpoint(
    music: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tunespace.training.losses import InfoNCE

    forward = InfoNCE.forward

    def broken(self: InfoNCE, batch: object) -> torch.Tensor:
        value = forward(self, batch)  # type: ignore[arg-type]
        return value * torch.nan if epochs_of(tmp_path / "run") else value

    with monkeypatch.context() as patch:
        patch.setattr(InfoNCE, "forward", broken)
        with pytest.raises(TrainingError, match="the loss is nan at step 1: lower"):
            run(music, cache, tmp_path / "run")
    trained = run(music, cache, tmp_path / "run")
    assert trained.epochs == 2


def test_a_run_without_a_checkpoint_cannot_be_exported(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is not a run folder"):
        export_run(tmp_path)
    (tmp_path / "recipe.yaml").write_text(small().as_yaml())
    with pytest.raises(TrainingError, match="no checkpoint yet"):
        export_run(tmp_path)


def test_export_deletes_no_files_of_others(learned: TrainingResult, tmp_path: Path) -> None:
    music, model, file = tmp_path / "music", tmp_path / "model", tmp_path / "file"
    music.mkdir()
    (music / "song.mp3").write_bytes(b"song")
    file.write_text("text")
    for out in (music, file):
        with pytest.raises(TrainingError, match="exists, and is no model folder"):
            export_run(learned.folder, out)
    export_run(learned.folder, model)
    export_run(learned.folder, model)  # replaced
    (model / "notes.txt").write_text("mine")
    with pytest.raises(TrainingError, match=r"is not replaced, since it contains notes\.txt"):
        export_run(learned.folder, model)
    assert (music / "song.mp3").read_bytes() == b"song"
    assert (model / "notes.txt").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "model", "music"]


def test_export_refuses_a_collapsed_text_tower(learned: TrainingResult, tmp_path: Path) -> None:
    copy = tmp_path / "collapsed"
    shutil.copytree(learned.folder, copy)
    checkpoint = copy / "checkpoints" / "best.ckpt"
    state = torch.load(checkpoint, weights_only=True)
    for name, value in state["state_dict"].items():
        if "text_head.0" in name:  # the normalisation in front of the linear map
            value.fill_(1.0 if name.endswith("bias") else 0.0)
    torch.save(state, checkpoint)
    out = tmp_path / "exported"
    with pytest.raises(TrainingError, match=r"cannot be exported: .* has collapsed"):
        export_run(copy, out)
    assert not list(tmp_path.glob("exported*"))


def test_an_unwritable_folder_is_an_error(music: Path, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="is not writable"):
        run(music, cache, tmp_path / "file" / "run")


def test_a_pretrained_audio_tower_is_trained_in_training_mode(
    music: Path, cache: Path, tmp_path: Path
) -> None:
    from transformers import ResNetConfig, ResNetModel

    sizes: dict[str, Any] = {
        "embedding_size": 8,
        "hidden_sizes": [8, 8, 8, 8],
        "depths": [1, 1, 1, 1],
    }
    ResNetModel(ResNetConfig(num_channels=1, **sizes)).save_pretrained(tmp_path / "resnet")
    tower = f"audio_tower={{kind: resnet, pretrained: {tmp_path / 'resnet'}, pooling: mean}}"
    run(music, cache, tmp_path / "run", tower, "schedule.epochs=1")
    [checkpoint, *_] = (tmp_path / "run").rglob("*.ckpt")
    state = torch.load(checkpoint, weights_only=False)["state_dict"]
    steps = [int(v) for k, v in state.items() if k.endswith("num_batches_tracked") and "audio" in k]
    assert steps
    assert min(steps) > 0


def test_training_starts_from_a_pretrained_encoder(
    music: Path, cache: Path, tmp_path: Path
) -> None:
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path / "bert"
    tokenizer = small_tokenizer(["a loud tone, low", "a quiet tone, high"])
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    encoder = BertModel(config)
    encoder.save_pretrained(folder)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer)  # type: ignore[no-untyped-call]
    fast.save_pretrained(folder)
    frozen = (f"text_tower.pretrained={folder}", "text_tower.frozen=true", "schedule.epochs=1")
    out = tmp_path / "run"
    run(music, cache, out, *frozen, "audio_tower.kind=linear")
    state = torch.load(out / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    for name, value in encoder.state_dict().items():
        assert torch.equal(state[f"towers.text.encoder.{name}"], value)
    assert tunespace.load_model(out / "model").embed_text(["low tone"]).shape == (1, 8)
    with pytest.raises(TrainingError, match=r"text_tower.pretrained: .*nowhere cannot be loaded"):
        run(music, cache, tmp_path / "other", f"text_tower.pretrained={tmp_path}/nowhere")


def test_running_out_of_memory_is_reported_in_one_sentence(
    music: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        torch.empty(2**62, dtype=torch.uint8)  # no machine has it

    monkeypatch.setattr(DualEncoder, "audio_features", full)
    with pytest.raises(TrainingError, match=r"out of memory: a step holds 4 clips at once"):
        run(music, cache, tmp_path / "run", "schedule.grad_cache_chunks=2")


def test_other_errors_are_not_reported_as_out_of_memory(
    music: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("sizes differ")

    monkeypatch.setattr(DualEncoder, "audio_features", broken)
    with pytest.raises(RuntimeError, match="sizes differ"):
        run(music, cache, tmp_path / "run")


def test_shards_and_files_give_the_same_run(
    music: Path, cache: Path, learned: TrainingResult, tmp_path: Path
) -> None:
    folder = tmp_path / "shards"
    folder.mkdir()
    items = load_manifest(music).items
    with tarfile.open(folder / "000.tar", "w") as archive:
        for n, item in enumerate(items):
            assert item.audio is not None
            archive.add(item.audio, f"{n:03d}.wav")
            known = {"tags": item.tags, "captions": item.captions, "split": item.split}
            known |= {"artist": item.artist, "title": item.title, "track_id": item.track_id}
            (tmp_path / "known.json").write_text(json.dumps(known))
            archive.add(tmp_path / "known.json", f"{n:03d}.json")
    shards = run(folder, cache, tmp_path / "run", *LEARNS)
    assert shards.figures == learned.figures
    kept = load_manifest(shards.folder / "manifest.jsonl")
    assert missing_audio(kept.items) == []


def test_batches_from_worker_processes_are_the_same(
    music: Path, cache: Path, tmp_path: Path
) -> None:
    def epochs(out: Path, loaders: int) -> str:
        recipe = small("schedule.epochs=2", "captions.kind=stochastic", "audio_tower.kind=linear")
        train(
            recipe, music, out, cache=cache, accelerator="cpu", loaders=loaders, log=lambda _: None
        )
        return (out / "metrics.csv").read_text()

    assert epochs(tmp_path / "two", 2) == epochs(tmp_path / "none", 0)
