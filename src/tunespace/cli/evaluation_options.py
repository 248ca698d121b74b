"""Options of ``evaluate`` and ``compare``, and the data and protocols that they choose."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tunespace.evaluation import Item, Manifest
    from tunespace.evaluation.protocols import Protocol


class Pooling(StrEnum):
    """Pooling of windows, as in ``AudioView``."""

    track = "track"
    windows = "windows"


DataOption = Annotated[
    str,
    typer.Option(
        "--data", help="Name of a data set, or a manifest (.csv, .tsv, .jsonl, .parquet)."
    ),
]
RootOption = Annotated[
    Path | None,
    typer.Option("--root", help="Folder of the data set's files.", show_default=False),
]
SplitOption = Annotated[
    str, typer.Option("--split", help="Evaluate this split only.", show_default=False)
]
ProtocolOption = Annotated[
    list[str] | None,
    typer.Option(
        "--protocol",
        help="Run this protocol only, by name. Can be repeated.",
        show_default=False,
    ),
]
SkipOption = Annotated[
    bool, typer.Option("--skip-missing", help="Leave out clips whose audio file is missing.")
]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        envvar="TUNESPACE_CACHE",
        help="Embedding cache file; by default in your cache folder.",
        show_default=False,
    ),
]
RecordingsOption = Annotated[
    bool,
    typer.Option(
        "--compare-recordings",
        help="Also detect training recordings by their audio; decodes all files of both.",
    ),
]
SeedOption = Annotated[int, typer.Option(min=0, help="Random seed.")]
LabelOption = Annotated[
    list[str] | None,
    typer.Option(
        "--label", help="Also classify by this column. Can be repeated.", show_default=False
    ),
]
TagOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tag", help="Use these tags only as queries. Can be repeated.", show_default=False
    ),
]
SecondsOption = Annotated[
    float | None,
    typer.Option(
        "--seconds",
        help="Embed only the first seconds of each clip.",
        show_default=False,
    ),
]
PoolingOption = Annotated[
    Pooling, typer.Option("--pooling", help="How the windows of a clip become one embedding.")
]


@dataclass(frozen=True)
class EvaluationRequest:
    """Data and protocols as the command line names them.

    Attributes:
        data: Name of a data set, or path of a manifest.
        root: Folder of the data set's files.
        split: Split; empty for the default.
        names: Names of protocols; None for all of the data set.
        labels: Columns to classify by.
        tags: Tags to use as queries; None for all.
        seconds: Length of the part that is embedded; None for the whole clip.
        pooling: Pooling of windows.
        skip_missing: Whether to leave out clips without an audio file.
    """

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
            found = [] if self.skip_missing else missing_audio(items, self.data)
            found += [f"{self.data}: {text}" for text in validate_protocols(protocols, items)]
            requested = {*(self.names or ()), *(self.labels or ())}
            for protocol in protocols:
                why = protocol.unmet_requirement(items) if protocol.name in requested else ""
                if why:
                    found.append(f"{self.data}: {protocol.name} cannot be run: {why}")
            return found

        manifest, _ = load_data(self.data, self.root, self.split, faults=problems)
        return (with_audio(manifest) if self.skip_missing else manifest), protocols

    def _protocols(self) -> "tuple[Protocol, ...]":
        """Return the protocols of the data that were requested, with the requested changes."""
        from tunespace.evaluation.datasets import protocols_for
        from tunespace.evaluation.protocols import AudioView, TagProtocol, ZeroShot

        available = {protocol.name: protocol for protocol in protocols_for(self.data)}
        chosen = dict(available) if self.names is None else {}
        for name in self.names or ():
            if name not in available:
                raise typer.BadParameter(
                    f"{self.data} has no protocol {name!r}; choose from {', '.join(available)}"
                )
            chosen[name] = available[name]
        for label in self.labels or ():
            chosen[label] = ZeroShot(name=label, label=label)
        if self.seconds is not None and self.seconds <= 0:
            raise typer.BadParameter(f"--seconds must be positive, not {self.seconds:g}")
        view = AudioView(seconds=self.seconds, pooling=self.pooling.value)
        protocols = []
        for protocol in chosen.values():
            changed = replace(protocol, audio_view=view)
            if self.tags and isinstance(changed, TagProtocol):
                changed = replace(changed, tags=tuple(self.tags))
            protocols.append(changed)
        return tuple(protocols)
