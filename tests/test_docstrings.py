"""Docstrings state what a thing does or is."""

import ast
import re
from pathlib import Path

import pytest

import tunespace

SOURCES = Path(tunespace.__file__).parent
CLAUSE = re.compile(r"(What|Whether|Which|Who|How|Of)\b")
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def question_clauses(path: Path) -> list[str]:
    """Return the summary lines in a file that begin with a question clause."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    found = (ast.get_docstring(node) for node in nodes if isinstance(node, Documented))
    return [text.splitlines()[0] for text in found if text and CLAUSE.match(text)]


@pytest.mark.parametrize("folder", [SOURCES, Path(__file__).parent], ids=["package", "tests"])
def test_no_summary_line_begins_with_a_question_clause(folder: Path) -> None:
    found = {path: clauses for path in folder.rglob("*.py") if (clauses := question_clauses(path))}
    assert not found


def test_a_question_clause_is_found(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text('"""Which words a text has."""\n\n\ndef f():\n    """Return words."""\n')
    assert question_clauses(path) == ["Which words a text has."]
