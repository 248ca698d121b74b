"""Summarise the runs: ``python -m benchmarks.systems.table``.

Writes ``benchmarks/results/systems.json`` (every figure with its interval, every question with its
answer), ``benchmarks/systems/README.md`` between its marks, and the plots beside it. An interval
covers both other queries and another seed: each of its draws takes one of the seeds' runs, and the
same draw of queries for all runs, so that two of them can be compared.
"""

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tunespace.training.loop.plot_metrics import SMALL_AND_SAME

HERE = Path(__file__).parent
PAGES = [HERE.parents[1] / "docs" / name for name in ("design-choices.md", "training-tips.md")]
RESULTS = HERE.parent / "results" / "systems.json"
# What is shown, by what it is called.
SHOWN = {
    "tag: ROC-AUC": "tag-to-music: roc_auc",
    "tag: mAP": "tag-to-music: map",
    "two tags: mAP": "two-tags: map",
    "three tags: mAP": "three-tags: map",
    "sentence: MRR": "sentence-to-music: mrr",
    "sentence: R@10": "sentence-to-music: recall@10",
    "named artist: ROC-AUC": "named-artist: roc_auc",
}


@dataclass
class Runs:
    """All seeds of one run.

    Attributes:
        results: What each said.
        draws: ``(seeds, draws)`` of each figure.
    """

    results: list[dict[str, Any]] = field(default_factory=list)
    draws: dict[str, list[np.ndarray]] = field(default_factory=dict)

    def value(self, key: str) -> float:
        """Mean over seeds."""
        return float(np.mean([one["figures"][key]["value"] for one in self.results]))

    def spread(self, key: str) -> float:
        """Standard deviation over seeds."""
        values = [one["figures"][key]["value"] for one in self.results]
        return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")

    def drawn(self, key: str, stream: int) -> np.ndarray:
        """``(draws,)`` bootstrap means; seeds are drawn, too."""
        rows = np.stack(self.draws[key])
        random = np.random.default_rng([stream, len(rows)])
        chosen = random.integers(len(rows), size=(rows.shape[1], len(rows)))
        return rows[chosen, np.arange(rows.shape[1])[:, None]].mean(axis=1)

    def interval(self, key: str) -> tuple[float, float]:
        """Central 95 % of the draws."""
        low, high = np.nanpercentile(self.drawn(key, 0), [2.5, 97.5])
        return float(low), float(high)


def gather(folder: Path) -> dict[str, dict[str, Runs]]:
    """Return all runs by group and name."""
    found: dict[str, dict[str, Runs]] = {}
    for path in sorted(folder.glob("*/*/result.json")):
        result = json.loads(path.read_text("utf-8"))
        runs = found.setdefault(result["group"], {}).setdefault(result["name"], Runs())
        runs.results.append(result)
        with np.load(path.with_name("draws.npz")) as draws:
            for key in draws.files:
                runs.draws.setdefault(key, []).append(draws[key])
    return found


@dataclass(frozen=True)
class Contrast:
    """Difference between the means of two sets of runs."""

    value: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """Return the conclusion that the interval supports."""
        return "higher" if self.low > 0 else "lower" if self.high < 0 else "no difference shown"


def contrast(first: Sequence[Runs], second: Sequence[Runs], key: str) -> Contrast:
    """Compare two sets of runs on the same bootstrap draws of queries."""
    # Streams differ, since the seeds of two runs have nothing in common.
    drawn = [
        np.mean([run.drawn(key, base + n) for n, run in enumerate(side)], axis=0)
        for base, side in ((1, first), (1000, second))
    ]
    low, high = np.nanpercentile(drawn[0] - drawn[1], [2.5, 97.5])
    value = np.mean([r.value(key) for r in first]) - np.mean([r.value(key) for r in second])
    return Contrast(float(value), float(low), float(high))


def answers_to(
    asked: Sequence[dict[str, Any]], found: Mapping[str, Mapping[str, Runs]]
) -> list[dict[str, Any]]:
    """Return the contrasts that the runs allow, one for each figure."""
    answers = []
    for one in asked:
        here = found.get(one["group"], {})
        each = [name for name in here if name not in one["than"]]
        for runs in [[name] for name in each] if one["runs"] == ["EACH"] else [one["runs"]]:
            if not all(name in here for name in (*runs, *one["than"])):
                continue
            question = one["question"] if one["runs"] == runs else runs[0]
            for figure in one["figures"]:
                key = _KEYS[figure]
                first, second = ([here[name] for name in side] for side in (runs, one["than"]))
                if not all(key in run.draws for run in (*first, *second)):
                    continue
                less = contrast(first, second, key)
                answers.append(
                    {
                        "group": one["group"],
                        "question": question,
                        "literature": one["literature"],
                        "figure": key,
                        "runs": runs,
                        "value": round(float(np.mean([run.value(key) for run in first])), 4),
                        "than": one["than"],
                        "than_value": round(float(np.mean([r.value(key) for r in second])), 4),
                        "difference": round(less.value, 4),
                        "interval": [round(less.low, 4), round(less.high, 4)],
                        "verdict": less.verdict,
                    }
                )
    return answers


def plot(runs: Mapping[str, Runs], path: Path) -> None:
    """Plot a panel for each figure, with an interval bar for each run."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    keys = {label: SHOWN[label] for label in ("tag: ROC-AUC", "two tags: mAP", "sentence: MRR")}
    names = list(runs)[::-1]
    picture = Figure(figsize=(11, 0.9 + 0.26 * len(names)), layout="constrained")
    FigureCanvasAgg(picture)
    panels = picture.subplots(1, len(keys), sharey=True)
    for panel, (label, key) in zip(panels, keys.items(), strict=True):
        for n, name in enumerate(names):
            low, high = runs[name].interval(key)
            panel.plot([low, high], [n, n], color="#4477aa", linewidth=2)
            panel.plot([runs[name].value(key)], [n], "o", color="#222222", markersize=4)
        chance = next(iter(runs.values())).results[0]["figures"][key]["chance"]
        if chance is not None:
            panel.axvline(chance, color="#cc6677", linewidth=1, linestyle="--")
        panel.set_title(label, fontsize=10)
        panel.set_yticks(range(len(names)), names, fontsize=8)
        panel.tick_params(axis="x", labelsize=8)
        panel.grid(axis="x", alpha=0.3)
    with rc_context(SMALL_AND_SAME):
        picture.savefig(path, metadata={"Date": None})


def table(runs: Mapping[str, Runs], *, timed: bool) -> str:
    """Return a table of runs in Markdown, with minutes if no run was resumed."""
    head = ["run", "seeds", *SHOWN, "epochs", *(["minutes"] if timed else [])]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name, some in runs.items():
        cells = []
        for key in SHOWN.values():
            if key not in some.draws:
                cells.append("-")
                continue
            low, high = some.interval(key)
            cells.append(f"{_short(some.value(key))} ({_short(low)}-{_short(high)})")
        epochs = np.mean([one["epochs"] for one in some.results])
        minutes = np.mean([one["train_seconds"] for one in some.results]) / 60
        lines.append(
            f"| {name} | {len(some.results)} | {' | '.join(cells)} | {epochs:.0f} |"
            + (f" {minutes:.1f} |" if timed else "")
        )
    first = next(iter(runs.values()))
    guess = [first.results[0]["figures"].get(key, {}).get("chance") for key in SHOWN.values()]
    shown = ["-" if one is None else _short(one) for one in guess]
    lines.append(f"| chance level |  | {' | '.join(shown)} |  |" + ("  |" if timed else ""))
    return "\n".join(lines)


def answered(answers: Sequence[dict[str, Any]]) -> str:
    """Return a table of contrasts in Markdown."""
    lines = ["| question | literature | figure | here | difference (95 %) | |", "|" + "---|" * 6]
    before = ""
    for one in answers:
        said = one["question"] if one["question"] != before else ""
        literature = one["literature"] if said else ""
        before = one["question"]
        ends = " to ".join(map(_signed, one["interval"]))
        lines.append(
            f"| {said} | {literature} | {_NAMES[one['figure']]} | {_short(one['than_value'])} -> "
            f"{_short(one['value'])} | {_signed(one['difference'])} ({ends}) | {one['verdict']} |"
        )
    return "\n".join(lines)


_KEYS = {
    "auc": "tag-to-music: roc_auc",
    "map": "tag-to-music: map",
    "p10": "tag-to-music: precision@10",
    "two": "two-tags: map",
    "three": "three-tags: map",
    "mrr": "sentence-to-music: mrr",
    "r10": "sentence-to-music: recall@10",
    "artist": "named-artist: roc_auc",
    "unseen": "unseen-tags: roc_auc of tags",
}
_NAMES = {key: name for name, key in SHOWN.items()}
_NAMES |= {"tag-to-music: precision@10": "tag: P@10"}
_MARK = re.compile(r"<!-- f ([\w.+/ -]+?) -->.*?<!-- /f -->", re.DOTALL)


def filled(text: str, found: Mapping[str, Mapping[str, Runs]]) -> str:
    """Return a page with its figures filled in.

    ``<!-- f GROUP RUN KEY -->`` is a figure with its interval, ``<!-- f GROUP RUN OTHER KEY -->``
    what one run has over another; several are joined by a plus.
    """

    def put(mark: re.Match[str]) -> str:
        group, *names, key = mark[1].split()
        here = found.get(group, {})
        sides = [[here[name] for name in side.split("+") if name in here] for side in names]
        if not all(sides) or not all(_KEYS[key] in run.draws for side in sides for run in side):
            return f"<!-- f {mark[1]} -->not measured<!-- /f -->"
        figure = _KEYS[key]
        means = [float(np.mean([run.value(figure) for run in side])) for side in sides]
        if len(sides) == 1:
            low, high = sides[0][0].interval(figure)
            said = f"{_short(means[0])} ({_short(low)} to {_short(high)})"
        else:
            less = contrast(sides[0], sides[1], figure)
            ends = f"{_signed(less.low)} to {_signed(less.high)}"
            said = f"{_short(means[1])} -> {_short(means[0])} ({ends})"
            said = f"**{said}**" if less.low > 0 or less.high < 0 else said
        return f"<!-- f {mark[1]} -->{said}<!-- /f -->"

    return _MARK.sub(put, text)


def _short(value: float) -> str:
    return f"{value:.3f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.1f}"


def _signed(value: float) -> str:
    return ("+" if value >= 0 else "-") + _short(abs(value))


def main() -> None:
    """Write all tables, plots and pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("build/systems/runs"))
    arguments = parser.parse_args()
    found = gather(arguments.runs)
    asked = yaml.safe_load((HERE / "questions.yaml").read_text("utf-8"))
    answers = answers_to(asked, found)
    record = {
        "command": "python -m benchmarks.systems.run; python -m benchmarks.systems.table",
        "test": next(iter(next(iter(found.values())).values())).results[0]["test_sha256"],
        "groups": {
            group: {
                name: {
                    "recipe": some.results[0]["recipe"],
                    "presets": some.results[0]["presets"],
                    "changes": some.results[0]["changes"],
                    "seeds": len(some.results),
                    "epochs": [one["epochs"] for one in some.results],
                    "train_seconds": [one["train_seconds"] for one in some.results],
                    "figures": {
                        key: {
                            "value": round(some.value(key), 4),
                            "interval": [round(x, 4) for x in some.interval(key)],
                            "of_each_seed": [
                                round(one["figures"][key]["value"], 4) for one in some.results
                            ],
                            "chance": some.results[0]["figures"][key]["chance"],
                        }
                        for key in some.results[0]["figures"]
                    },
                }
                for name, some in runs.items()
            }
            for group, runs in found.items()
        },
        "answers": answers,
    }
    RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    pieces = {}
    for group, runs in found.items():
        plot(runs, HERE / f"{group}.svg")
        pieces[group] = f"{table(runs, timed=group == 'systems')}\n\n![{group}]({group}.svg)"
    for group in found:
        pieces[f"{group}-answers"] = answered([a for a in answers if a["group"] == group])
    readme = HERE / "README.md"
    text = readme.read_text("utf-8")
    for mark, piece in pieces.items():
        start, end = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
        if start in text and end in text:
            before, _, rest = text.partition(start)
            text = f"{before}{start}\n{piece}\n{end}{rest.partition(end)[2]}"
        else:
            print(f"no place for {mark}")
    readme.write_text(filled(text, found), encoding="utf-8")
    for page in PAGES:
        page.write_text(filled(page.read_text("utf-8"), found), encoding="utf-8")
    for one in answers:
        ends = " to ".join(f"{end:+.4f}" for end in one["interval"])
        said = f"{one['question']} ({one['runs'][0]}), {one['figure']}"
        print(f"{said}: {one['difference']:+.4f} ({ends}) {one['verdict']}")


if __name__ == "__main__":
    main()
