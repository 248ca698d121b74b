"""Commands import only what they need."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("numpy", "onnxruntime", "av", "torch", "fastapi", "pydantic")
PROGRAM = """
import json, sys
from tunespace.cli import main
try:
    main()
except SystemExit:
    pass
print(json.dumps([name for name in {heavy!r} if name in sys.modules]), file=sys.stderr)
"""


def imported(*arguments: str) -> set[str]:
    """Return the heavy packages that a command imports in a new process."""
    command = [sys.executable, "-c", PROGRAM.format(heavy=HEAVY), *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    return set(json.loads(ran.stderr.splitlines()[-1]))


@pytest.mark.parametrize("command", [(), ("search",), ("index",), ("train",)])
def test_help_imports_neither_numpy_nor_onnxruntime(command: tuple[str, ...]) -> None:
    assert not imported(*command, "--help")


def test_a_text_search_does_not_import_the_decoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNESPACE_LIBRARY", str(tmp_path))
    from tunespace import Library

    Library.open(tmp_path).close()
    assert imported("search", "jazz") == {"numpy", "onnxruntime"}
