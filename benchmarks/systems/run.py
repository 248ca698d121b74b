"""Train and evaluate every run of ``grid.yaml``: ``python -m benchmarks.systems.run``.

What is done is kept (``build/systems/runs/GROUP/NAME-SEED/result.json``), so a grid that was
stopped goes on, and a run that was stopped goes on where it was. All runs see the same splits.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tunespace.evaluation import Manifest, Report, evaluate, load_manifest
from tunespace.evaluation.protocols import (
    Protocol,
    SameArtist,
    SentenceToMusic,
    SimilarArtist,
    TagsToMusic,
    TagToMusic,
    UnseenTags,
)
from tunespace.models import load_joint_model

HERE = Path(__file__).parent
# Artists of the training split, each a query in the form of TTMR++.
ARTISTS = TagToMusic(name="named-artist", prompt="similar to {}")
# The figures that are kept, by protocol.
KEPT = {
    "tag-to-music": ("roc_auc", "pr_auc", "map", "precision@10"),
    "two-tags": ("map", "mrr", "recall@10"),
    "three-tags": ("map", "mrr", "recall@10"),
    "sentence-to-music": ("mrr", "recall@10", "median_rank"),
    "same-artist": ("map",),
    "similar-artist": ("ndcg@200", "map"),
    "named-artist": ("roc_auc", "map"),
    "unseen-tags": ("roc_auc of tags", "roc_auc of tracks"),
}


def jobs(grid: dict[str, Any], only: list[str]) -> Iterator[dict[str, Any]]:
    """Return all runs of the grid, the first seed of all groups first."""
    found = [
        {
            "group": group,
            "name": name,
            "seed": seed,
            "recipe": (run or {}).get("recipe", said.get("recipe")),
            "presets": (run or {}).get("presets", []),
            "changes": [
                *grid.get("common", []),
                *said.get("common", []),
                *(run or {}).get("set", []),
            ],
        }
        for group, said in grid["groups"].items()
        if not only or group in only
        for name, run in said["runs"].items()
        for seed in range(said.get("seeds", 1))
    ]
    yield from sorted(found, key=lambda job: int(job["seed"]))


def do(job: dict[str, Any], data: Path, out: Path, cache: Path, names: dict[str, str]) -> None:
    """Train, export and evaluate one run."""
    import torch

    from tunespace.training.loop.train import train
    from tunespace.training.recipe.recipe import load_recipe

    torch.set_num_threads(1)
    began = time.perf_counter()
    changes = [
        f"schedule.seed={job['seed']}",
        *(named(change, names) for change in job["changes"]),
    ]
    recipe = load_recipe(job["recipe"], presets=job["presets"], changes=changes)
    trained = train(
        recipe, data, out / "run", cache=cache, accelerator="cpu", workers=1, log=lambda _: None
    )
    learned = time.perf_counter() - began
    # The manifest itself: the run's own copy lacks what it was not to see.
    test = load_manifest(data).subset("test")
    protocols: list[Protocol] = [
        TagToMusic(),
        TagsToMusic(name="two-tags"),
        TagsToMusic(name="three-tags", count=3),
        SentenceToMusic(),
        SameArtist(),
        SimilarArtist(query="text", prompt="similar to {}"),
    ]
    if recipe.train_tag_fraction < 1:
        protocols.append(UnseenTags(tracks="ABC", share=recipe.train_tag_fraction))
    model = load_joint_model(trained.model)
    report = evaluate(model, test, protocols, workers=1)
    draws: dict[str, np.ndarray] = {}
    figures: dict[str, dict[str, Any]] = {}
    keep(report, figures, draws)
    artists = evaluate(model, of_artists(load_manifest(data)), [ARTISTS], workers=1)
    keep(artists, figures, draws)
    size = sum(file.stat().st_size for file in trained.model.iterdir() if file.is_file())
    np.savez_compressed(out / "draws.npz", **draws)
    result = {
        **job,
        "changes": job["changes"],
        "epochs": trained.epochs,
        "validation": trained.figures,
        "train_seconds": round(learned, 1),
        "seconds": round(time.perf_counter() - began, 1),
        "megabytes": round(size / 1e6, 1),
        "refused_texts": len(report.unknown_texts),
        "figures": figures,
        "probes": report.probes,
        "test_sha256": test.sha256,
    }
    (out / "result.json").write_text(json.dumps(result, indent=1, default=str), encoding="utf-8")
    shutil.rmtree(out / "run" / "checkpoints", ignore_errors=True)


def of_artists(data: Manifest) -> Manifest:
    """Return test clips tagged with the training artists that are similar to their artist."""
    known = {item.artist for item in data.subset("train").items if item.artist}
    return replace(
        data,
        items=tuple(
            replace(item, tags=tuple(name for name in item.similar_artists if name in known))
            for item in data.subset("test").items
            if item.artist
        ),
    )


def complete(out: Path, data: Path) -> None:
    """Add evaluations to a finished run that the grid has gained since."""
    result = json.loads((out / "result.json").read_text("utf-8"))
    model = out / "run" / "model"
    if "named-artist: roc_auc" in result["figures"] or not model.exists():
        return
    with np.load(out / "draws.npz") as kept:
        draws = {key: kept[key] for key in kept.files}
    report = evaluate(
        load_joint_model(model), of_artists(load_manifest(data)), [ARTISTS], workers=1
    )
    keep(report, result["figures"], draws)
    np.savez_compressed(out / "draws.npz", **draws)
    (out / "result.json").write_text(json.dumps(result, indent=1), encoding="utf-8")


def keep(report: Report, figures: dict[str, Any], draws: dict[str, np.ndarray]) -> None:
    """Return the reported figures of a report, with their bootstrap draws."""
    for protocol, result in report.protocols:
        for name in KEPT[protocol.name]:
            key = f"{protocol.name}: {name}"
            chance = {"chance": _number(result.chance.get(name))}
            figures[key] = result.figures[name].as_json() | chance
            draws[key] = result.figures[name].draws.astype(np.float32)
        if protocol.name == "sentence-to-music":
            draws["first rank"] = result.series["first rank"].astype(np.float32)


def named(change: str, names: dict[str, str]) -> str:
    """Return a value with its placeholders filled in."""
    for name, value in names.items():
        change = change.replace(f"{{{name}}}", value)
    return change


def _number(value: float | None) -> float | None:
    return round(float(value), 6) if value is not None and np.isfinite(value) else None


def work(arguments: argparse.Namespace, todo: list[dict[str, Any]]) -> None:
    """Run jobs that no other process has claimed."""
    names = dict(pair.split("=", 1) for pair in arguments.name)
    for job in todo:
        out: Path = arguments.out / job["group"] / f"{job['name']}-{job['seed']}"
        out.mkdir(parents=True, exist_ok=True)
        if (out / "result.json").exists() or time.time() > arguments.until:
            continue
        try:
            mine = os.open(out / "taken", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            continue
        os.close(mine)
        began = time.perf_counter()
        try:
            do(job, arguments.data, out, arguments.cache, names)
            said = "done"
        except Exception:  # noqa: BLE001 - one run that fails leaves the others alone
            (out / "failed.txt").write_text(traceback.format_exc(), encoding="utf-8")
            said = f"FAILED: {traceback.format_exc().splitlines()[-1]:.300}"
        (out / "taken").unlink()
        took = time.perf_counter() - began
        print(
            f"{time.strftime('%H:%M:%S')} {out.parent.name}/{out.name} {said}, {took:.0f} s",
            flush=True,
        )


def main() -> None:
    """Run missing jobs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("build/systems/manifest.jsonl"))
    parser.add_argument("--out", type=Path, default=Path("build/systems/runs"))
    parser.add_argument("--cache", type=Path, default=Path("build/systems/cache"))
    parser.add_argument("--grid", type=Path, default=HERE / "grid.yaml")
    parser.add_argument("--only", nargs="*", default=[], help="groups; all when none is named")
    parser.add_argument(
        "--name", nargs="*", default=[], help="what {word} stands for in the grid: word=value"
    )
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--hours", type=float, default=24.0, help="no run is begun after so long")
    arguments = parser.parse_args()
    arguments.until = time.time() + 3600 * arguments.hours
    grid = yaml.safe_load(arguments.grid.read_text("utf-8"))
    todo = list(jobs(grid, arguments.only))
    for left in arguments.out.glob("*/*/taken"):
        left.unlink()
    print(f"{len(todo)} runs", flush=True)
    for done in sorted(arguments.out.glob("*/*/result.json")):
        complete(done.parent, arguments.data)
    # New processes: torch does not survive a fork.
    context = multiprocessing.get_context("spawn")
    running = [
        context.Process(target=work, args=(arguments, todo)) for _ in range(arguments.processes)
    ]
    for process in running:
        process.start()
    for process in running:
        process.join()


if __name__ == "__main__":
    main()
