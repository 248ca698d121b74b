"""Parts of the terminal output that ``evaluate`` and ``compare`` share."""

from typing import TYPE_CHECKING

from tunespace.cli.output import console, printable

if TYPE_CHECKING:
    from tunespace.evaluation import Report


def print_audio_view(report: "Report") -> None:
    """Print which part of a clip was embedded, and how."""
    from rich.text import Text

    views = dict.fromkeys(str(protocol.audio_view) for protocol, _ in report.protocols)
    console().print(Text(f"audio: {'; '.join(views)}", style="dim"))


def print_few_units(report: "Report") -> None:
    """Print what the asterisks in the table mean, if there are any."""
    from tunespace.evaluation.metrics.intervals import MIN_UNITS

    figures = (one for _, result in report.protocols for one in result.figures.values())
    if any(figure.has_few_units for figure in figures):
        console().print(f"* of fewer than {MIN_UNITS}: too few for an interval that holds")


def print_skipped(report: "Report") -> None:
    """Print the protocols and clips that were left out, with reasons."""
    from rich.text import Text

    out = console()
    for name, why in report.skipped.items():
        out.print(Text(f"not run: {name}: {why}"))
    for track, reason in report.failed.items():
        out.print(Text(f"not read: {printable(track)} {printable(reason)}"))


def print_published(report: "Report") -> None:
    """Print published results under the same protocols."""
    from rich.text import Text

    from tunespace.evaluation.metrics.bootstrap import format_value

    out = console()
    for protocol, _ in report.protocols:
        for row in report.published(protocol):
            line = f"{row.figure} {format_value(row.value)}, {row.system} ({row.source})"
            how = f"; {row.how}" if row.how else ""
            out.print(Text(f"published results: {protocol.name}: {line}{how}", style="dim"))


def describe_leakage(report: "Report") -> str:
    """Return a sentence on the evaluated clips that are in the training data."""
    if report.leakage is None:
        return "leakage: unknown; name the training data with --trained-on"
    return f"leakage: {report.leakage.describe(len(report.data.items))}"
