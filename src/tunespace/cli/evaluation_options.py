"""Options of ``evaluate`` and ``compare``, and the data and protocols that they choose."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from tunespace.cli.options import PATH, Function, add_options, json_option, workers_option

if TYPE_CHECKING:
    from tunespace.evaluation import Item, Manifest
    from tunespace.evaluation.protocols import Protocol


# Pooling of windows, as in ``AudioView``.
Pooling = Literal["track", "windows"]

data_option = click.option(
    "--data",
    metavar="DATA",
    required=True,
    help="Name of a data set, or a manifest (.csv, .tsv, .jsonl, .parquet).",
)
# Options of both commands between ``--data`` and ``--out``, in the order of the help.
_CHOICE_OPTIONS = (
    click.option("--root", type=PATH, help="Folder of the data set's files."),
    click.option("--split", metavar="NAME", default="", help="Evaluate this split only."),
    click.option(
        "--protocol",
        metavar="NAME",
        multiple=True,
        help="Run this protocol only, by name. Can be repeated.",
    ),
    click.option(
        "--label",
        metavar="COLUMN",
        multiple=True,
        help="Also classify by this column. Can be repeated.",
    ),
    click.option("--tag", multiple=True, help="Use these tags only as queries. Can be repeated."),
    click.option("--seconds", type=float, help="Embed only the first seconds of each clip."),
    click.option(
        "--pooling",
        type=click.Choice(["track", "windows"]),
        default="track",
        show_default=True,
        help="How the windows of a clip become one embedding.",
    ),
    click.option(
        "--skip-missing", is_flag=True, help="Leave out clips whose audio file is missing."
    ),
)
# Options of both commands after ``--trained-on``.
_RUN_OPTIONS = (
    click.option(
        "--compare-recordings",
        is_flag=True,
        help="Also detect training recordings by their audio; decodes all files of both.",
    ),
    click.option(
        "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Random seed."
    ),
    click.option(
        "--cache",
        type=PATH,
        envvar="TUNESPACE_CACHE",
        show_envvar=True,
        help="Embedding cache file; by default in your cache folder.",
    ),
    workers_option,
    json_option,
)


def choice_options(function: Function) -> Function:
    """Add the options that choose clips and protocols."""
    return add_options(function, _CHOICE_OPTIONS)


def run_options(function: Function) -> Function:
    """Add the options of leakage, seed, cache, processes and output."""
    return add_options(function, _RUN_OPTIONS)


@dataclass(frozen=True)
class EvaluationRequest:
    """Data and protocols as the command line names them.

    Attributes:
        data: Name of a data set, or path of a manifest.
        root: Folder of the data set's files.
        split: Split; empty for the default.
        protocols: Names of protocols; empty for all of the data set.
        labels: Columns to classify by.
        tags: Tags to use as queries; empty for all.
        seconds: Length of the part that is embedded; None for the whole clip.
        pooling: Pooling of windows.
        skip_missing: Whether to leave out clips without an audio file.
    """

    data: str
    root: Path | None
    split: str
    protocols: tuple[str, ...]
    labels: tuple[str, ...]
    tags: tuple[str, ...]
    seconds: float | None
    pooling: Pooling
    skip_missing: bool

    def load(self) -> "tuple[Manifest, tuple[Protocol, ...]]":
        """Return the clips to evaluate on, and the protocols to run.

        Raises:
            DataError: The data is not valid, or lacks what was requested by name; the message
                names all problems.
        """
        from tunespace.data.manifest import missing_audio
        from tunespace.evaluation import load_data, with_audio
        from tunespace.evaluation.protocols import validate_protocols

        protocols = self._protocols()

        def problems(items: "Sequence[Item]") -> list[str]:
            faults = [] if self.skip_missing else missing_audio(items, self.data)
            faults += [f"{self.data}: {text}" for text in validate_protocols(protocols, items)]
            requested = {*self.protocols, *self.labels}
            for protocol in protocols:
                why = protocol.unmet_requirement(items) if protocol.name in requested else ""
                if why:
                    faults.append(f"{self.data}: {protocol.name} cannot be run: {why}")
            return faults

        manifest, _ = load_data(self.data, self.root, self.split, faults=problems)
        return (with_audio(manifest) if self.skip_missing else manifest), protocols

    def _protocols(self) -> "tuple[Protocol, ...]":
        """Return the protocols of the data that were requested, with the requested changes."""
        from tunespace.evaluation.datasets import protocols_for
        from tunespace.evaluation.protocols import AudioView, TagProtocol, ZeroShot

        available = {protocol.name: protocol for protocol in protocols_for(self.data)}
        chosen = {} if self.protocols else dict(available)
        for name in self.protocols:
            if name not in available:
                raise click.BadParameter(
                    f"{self.data} has no protocol {name!r}; choose from {', '.join(available)}"
                )
            chosen[name] = available[name]
        for label in self.labels:
            chosen[label] = ZeroShot(name=label, label=label)
        if self.seconds is not None and self.seconds <= 0:
            raise click.BadParameter(f"--seconds must be positive, not {self.seconds:g}")
        view = AudioView(seconds=self.seconds, pooling=self.pooling)
        protocols = []
        for protocol in chosen.values():
            changed = replace(protocol, audio_view=view)
            if self.tags and isinstance(changed, TagProtocol):
                changed = replace(changed, tags=tuple(self.tags))
            protocols.append(changed)
        return tuple(protocols)
