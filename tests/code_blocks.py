"""Code blocks of documents, and a run of them as printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

_BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def code_blocks(document: Path) -> list[tuple[str, str]]:
    """Return language and text of each shell and Python block."""
    return _BLOCK.findall(document.read_text(encoding="utf-8"))


def run_block(language: str, text: str, folder: Path, environment: dict[str, str]) -> str:
    """Run a block in a folder; return its output, and fail with it if the block fails."""
    program = ["bash", "-euc"] if language == "sh" else [sys.executable, "-c"]
    ran = subprocess.run(  # noqa: S603 - the project's own documents
        [*program, text],
        cwd=folder,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, f"{text}\n{ran.stdout}"
    return ran.stdout
