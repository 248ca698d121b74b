"""``tunespace evaluate``."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunespace.cli.options import JsonOption
from tunespace.cli.output import console, print_json, printable

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from tunespace.evaluation import Manifest, Report
    from tunespace.evaluation.protocols import Protocol

DataOption = Annotated[
    str,
    typer.Option("--data", help="A data set's name, or a manifest (.csv, .tsv, .jsonl, .parquet)."),
]
RootOption = Annotated[
    Path | None,
    typer.Option("--root", help="Folder of the data set's files.", show_default=False),
]
SplitOption = Annotated[
    str, typer.Option("--split", help="Judge only this split.", show_default=False)
]
ProtocolOption = Annotated[
    list[str] | None,
    typer.Option("--protocol", help="Only these protocols, by name.", show_default=False),
]
SkipOption = Annotated[
    bool, typer.Option("--skip-missing", help="Judge on the clips whose file is there.")
]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        envvar="TUNESPACE_CACHE",
        help="File that vectors are kept in; by default in your cache folder.",
        show_default=False,
    ),
]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, help="Processes; by default one for each core.")
]
SeedOption = Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")]
_FEW = ("recall@1", "recall@10", "hit_rate@10", "map", "mrr", "median_rank")


def evaluate(
    model: Annotated[str, typer.Argument(help="A bundled name, a folder, or hf:owner/name.")],
    data: DataOption,
    root: RootOption = None,
    split: SplitOption = "",
    protocol: ProtocolOption = None,
    skip_missing: SkipOption = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Also write the report.", show_default=False)
    ] = None,
    trained_on: Annotated[
        Path | None,
        typer.Option(
            "--trained-on",
            help="Manifest of what the model learned from: say which clips it has heard before.",
            show_default=False,
        ),
    ] = None,
    compare_recordings: Annotated[
        bool,
        typer.Option(
            "--compare-recordings", help="Look for them by sound as well; reads all audio of both."
        ),
    ] = False,
    seed: SeedOption = 0,
    cache: CacheOption = None,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a model: every figure with its interval and with what guessing gives."""
    from tunespace.evaluation import evaluate as judge
    from tunespace.evaluation import load_manifest, overlap
    from tunespace.models import load_joint_model

    manifest, protocols = chosen(data, root, split, protocol, skip_missing)
    training = load_manifest(trained_on) if trained_on is not None else None
    loaded = load_joint_model(model)
    terminal = console(stderr=True)
    bar = progress_bar(terminal) if terminal.is_terminal and not as_json else None
    with bar or nullcontext():
        heard_before = None
        if training is not None:
            shown = shown_on(bar, "comparing recordings") if compare_recordings else None
            heard_before = overlap(training, manifest, listen=compare_recordings, on_progress=shown)
        report = judge(
            loaded,
            manifest,
            protocols,
            leakage=heard_before,
            seed=seed,
            cache=cache,
            workers=workers,
            on_progress=shown_on(bar, loaded.name),
        )
    if out is not None:
        write_json(out, report.as_json())
    if as_json:
        print_json(report.as_json())
    else:
        _print(report)


def chosen(
    data: str,
    root: Path | None,
    split: str,
    names: list[str] | None,
    skip_missing: bool,  # noqa: FBT001 - passed on from the command
) -> "tuple[Manifest, tuple[Protocol, ...]]":
    """The clips to judge on, and the protocols to run."""
    from tunespace.evaluation import load_data, with_audio

    manifest, protocols = load_data(data, root, split)
    if names:
        known = {p.name: p for p in protocols}
        for name in names:
            if name not in known:
                choice = ", ".join(known)
                raise typer.BadParameter(f"{name!r} is not run on {data}; there are {choice}")
        protocols = tuple(known[name] for name in names)
    return (with_audio(manifest) if skip_missing else manifest), protocols


def write_json(path: Path, value: "dict[str, Any]") -> None:
    """Writes figures; as ``write``."""
    write(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def write(path: Path, text: str) -> None:
    """Writes a file whole or not at all.

    Raises:
        DataError: It cannot be written.
    """
    from tunespace.errors import DataError

    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")
        partial.replace(path)
    except OSError as error:
        raise DataError([f"{path} cannot be written ({error.strerror})"]) from error


def progress_bar(out: object) -> "Bar":
    """A bar for clips."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("clips,"),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=out,  # type: ignore[arg-type]  # rich is imported late
        transient=True,
    )


def shown_on(bar: "Bar | None", name: str) -> Callable[[int, int], None] | None:
    """What moves the bar; nothing where there is none."""
    if bar is None:
        return None
    task = bar.add_task(f"{name} listens", total=None)
    return lambda done, total: bar.update(task, completed=done, total=total)


def _print(report: "Report") -> None:
    from rich.table import Table
    from rich.text import Text

    from tunespace.evaluation.bootstrap import shown as as_shown

    out = console()
    clips = len(report.data.items)
    out.print(Text(f"{report.model.identity} on {report.data.name}, {clips:,} clips"))
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("protocol", no_wrap=True)
    table.add_column("figure")
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("95 % interval", no_wrap=True)
    table.add_column("guessing", justify="right", no_wrap=True)
    table.add_column("over", justify="right", no_wrap=True)
    for protocol, outcome in report.protocols:
        shown = protocol.name
        for name, figure in outcome.figures.items():
            if "@" in name and name not in _FEW:
                continue
            chance = outcome.chance.get(name)
            table.add_row(
                shown,
                name,
                as_shown(figure.value),
                f"{as_shown(figure.low)} - {as_shown(figure.high)}",
                "" if chance is None else as_shown(chance),
                f"{figure.n:,} {figure.unit}",
            )
            shown = ""
    out.print(table)
    for name, values in report.probes.items():
        shown = ", ".join(f"{key} {value}" for key, value in values.items())
        out.print(Text(f"probe: {name}: {shown}", style="dim"))
    for protocol, _ in report.protocols:
        for found in report.published(protocol):
            said = f"{found.figure} {as_shown(found.value)}, {found.system} ({found.source})"
            how = f"; {found.how}" if found.how else ""
            out.print(Text(f"printed by others: {protocol.name}: {said}{how}", style="dim"))
    leakage = report.leakage
    if leakage is None:
        out.print(Text("leakage: unknown; name what the model learned from with --trained-on"))
    else:
        heard = leakage.by_fingerprint
        sound = "recordings not compared" if heard is None else f"{len(heard):,} by recording"
        out.print(
            Text(
                f"leakage: {len(leakage.clips):,} of {clips:,} clips are in the training data "
                f"({len(leakage.by_id):,} by id, {len(leakage.by_name):,} by artist and title, "
                f"{sound}); {leakage.by_artist:,} are by an artist in it"
            )
        )
    for name, why in report.left_out.items():
        out.print(Text(f"not run: {name}: {why}"))
    for track, reason in report.failed.items():
        out.print(Text(f"not heard: {printable(track)} {printable(reason)}"))
    for remark in report.data.remarks:
        out.print(Text(f"note: {printable(remark)}"))
    for text in report.refused:
        out.print(Text(f"not understood: {printable(text)}"))
