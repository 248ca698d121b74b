"""``tunespace evaluate``."""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunespace.cli.options import JsonOption
from tunespace.cli.output import console, print_json, printable, progress_bar, shown_on

if TYPE_CHECKING:
    from tunespace.evaluation import Item, Manifest, Report
    from tunespace.evaluation.protocols import Protocol


class Pooling(StrEnum):
    """As in ``AudioView``."""

    track = "track"
    windows = "windows"


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
RecordingsOption = Annotated[
    bool,
    typer.Option(
        "--compare-recordings", help="Look for them by sound as well; reads all audio of both."
    ),
]
SeedOption = Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")]
LabelOption = Annotated[
    list[str] | None,
    typer.Option("--label", help="Also classify by this column.", show_default=False),
]
TagOption = Annotated[
    list[str] | None,
    typer.Option("--tag", help="Ask for these tags alone.", show_default=False),
]
SecondsOption = Annotated[
    float | None,
    typer.Option(
        "--seconds",
        help="Hear only so many seconds of each clip, from its start.",
        show_default=False,
    ),
]
PoolingOption = Annotated[
    Pooling, typer.Option("--pooling", help="How a clip's windows become one vector.")
]


def evaluate(
    model: Annotated[str, typer.Argument(help="A bundled name, a folder, or hf:owner/name.")],
    data: DataOption,
    root: RootOption = None,
    split: SplitOption = "",
    protocol: ProtocolOption = None,
    label: LabelOption = None,
    tag: TagOption = None,
    seconds: SecondsOption = None,
    pooling: PoolingOption = Pooling.track,
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
    compare_recordings: RecordingsOption = False,
    seed: SeedOption = 0,
    cache: CacheOption = None,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a model: every figure with its interval and with what guessing gives."""
    from tunespace.evaluation import evaluate as judge
    from tunespace.evaluation import load_manifest, overlap
    from tunespace.models import load_joint_model

    wanted = Wanted(data, root, split, protocol, label, tag, seconds, pooling, skip_missing)
    manifest, protocols = wanted.load()
    training = load_manifest(trained_on) if trained_on is not None else None
    loaded = load_joint_model(model)
    terminal = console(stderr=True)
    bar = progress_bar(terminal, "clips") if terminal.is_terminal and not as_json else None
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
            on_progress=shown_on(bar, f"{loaded.name} listens"),
        )
    found = report.as_json() if out is not None or as_json else {}
    if out is not None:
        write_json(out, found)
    if as_json:
        print_json(found)
    else:
        _print(report)


@dataclass(frozen=True)
class Wanted:
    """What to judge on and how, as the command line has it."""

    data: str
    root: Path | None
    split: str
    names: list[str] | None
    labels: list[str] | None
    tags: list[str] | None
    seconds: float | None
    pooling: Pooling
    skip_missing: bool

    def load(self) -> "tuple[Manifest, tuple[Protocol, ...]]":
        """The clips to judge on, and the protocols to run.

        Raises:
            DataError: Something is wrong with the data, or they lack what was asked for by name;
                names all of it.
        """
        from tunespace.data.manifest import missing_audio
        from tunespace.evaluation import load_data, with_audio
        from tunespace.evaluation.protocols import validate_protocols

        protocols = self._protocols()

        def faults(items: "Sequence[Item]") -> list[str]:
            found = [] if self.skip_missing else missing_audio(items, self.data)
            found += [f"{self.data}: {fault}" for fault in validate_protocols(protocols, items)]
            asked = {*(self.names or ()), *(self.labels or ())}
            for protocol in protocols:
                if protocol.name in asked and (why := protocol.unmet_requirement(items)):
                    found.append(f"{self.data}: {protocol.name} cannot be run: {why}")
            return found

        manifest, _ = load_data(self.data, self.root, self.split, faults=faults)
        return (with_audio(manifest) if self.skip_missing else manifest), protocols

    def _protocols(self) -> "tuple[Protocol, ...]":
        """Those of the data, as far as they are asked for, with what is asked for besides."""
        from tunespace.evaluation.datasets import protocols_for
        from tunespace.evaluation.protocols import AudioView, TagProtocol, ZeroShot

        known = {protocol.name: protocol for protocol in protocols_for(self.data)}
        chosen = dict(known) if self.names is None else {}
        for name in self.names or ():
            if name not in known:
                choice = ", ".join(known)
                raise typer.BadParameter(f"{name!r} is not run on {self.data}; there are {choice}")
            chosen[name] = known[name]
        for label in self.labels or ():
            chosen[label] = ZeroShot(name=label, label=label)
        if self.seconds is not None and self.seconds <= 0:
            raise typer.BadParameter(f"{self.seconds:g} seconds cannot be heard")
        listening = AudioView(seconds=self.seconds, pooling=self.pooling.value)
        found = []
        for protocol in chosen.values():
            heard = replace(protocol, audio_view=listening)
            if self.tags and isinstance(heard, TagProtocol):
                heard = replace(heard, tags=tuple(self.tags))
            found.append(heard)
        return tuple(found)


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


def _print(report: "Report") -> None:
    from rich.table import Table
    from rich.text import Text

    from tunespace.evaluation.metrics.bootstrap import format_value
    from tunespace.evaluation.report import is_headline

    out = console()
    clips = len(report.data.items)
    out.print(Text(f"{report.model.identity} on {report.data.name}, {clips:,} clips"))
    print_listening(report)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("protocol", no_wrap=True)
    table.add_column("figure")
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("95 % interval", no_wrap=True)
    table.add_column("guessing", justify="right", no_wrap=True)
    table.add_column("over", justify="right", no_wrap=True)
    for protocol, result in report.protocols:
        shown = protocol.name
        for name, figure in result.figures.items():
            if not is_headline(name):
                continue
            chance = result.chance.get(name)
            table.add_row(
                shown,
                name,
                format_value(figure.value),
                f"{format_value(figure.low)} - {format_value(figure.high)}",
                "" if chance is None else format_value(chance),
                f"{figure.n:,} {figure.unit}",
            )
            shown = ""
    out.print(table)
    for name, values in report.probes.items():
        shown = ", ".join(f"{key} {value}" for key, value in values.items())
        out.print(Text(f"probe: {name}: {shown}", style="dim"))
    print_published(report)
    out.print(Text(heard_before(report)))
    print_left_out(report)
    for remark in report.data.remarks:
        out.print(Text(f"note: {printable(remark)}"))
    for text in report.unknown_texts:
        out.print(Text(f"not understood: {printable(text)}"))


def print_listening(report: "Report") -> None:
    """What was heard of a clip."""
    from rich.text import Text

    ways = dict.fromkeys(str(protocol.audio_view) for protocol, _ in report.protocols)
    console().print(Text(f"heard: {'; '.join(ways)}", style="dim"))


def print_left_out(report: "Report") -> None:
    """Protocols and clips that do not count, and why."""
    from rich.text import Text

    out = console()
    for name, why in report.skipped.items():
        out.print(Text(f"not run: {name}: {why}"))
    for track, reason in report.failed.items():
        out.print(Text(f"not heard: {printable(track)} {printable(reason)}"))


def print_published(report: "Report") -> None:
    """Numbers of others under the same protocols."""
    from rich.text import Text

    from tunespace.evaluation.metrics.bootstrap import format_value

    out = console()
    for protocol, _ in report.protocols:
        for found in report.published(protocol):
            said = f"{found.figure} {format_value(found.value)}, {found.system} ({found.source})"
            how = f"; {found.how}" if found.how else ""
            out.print(Text(f"printed by others: {protocol.name}: {said}{how}", style="dim"))


def heard_before(report: "Report") -> str:
    """Which of the clips are in the training data."""
    if report.leakage is None:
        return "leakage: unknown; name what the model learned from with --trained-on"
    return f"leakage: {report.leakage.describe(len(report.data.items))}"
