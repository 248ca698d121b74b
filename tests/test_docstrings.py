"""Docstrings state what a thing does or is."""

import ast
import re
from pathlib import Path

import pytest

import tunespace

ROOT = Path(__file__).parents[1]
SOURCES = Path(tunespace.__file__).parent
CLAUSE = re.compile(r"(What|Whether|Which|Who|How|Of)\b")
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def docstrings(path: Path) -> list[str]:
    """Return the docstrings in a file."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    texts = (ast.get_docstring(node) for node in nodes if isinstance(node, Documented))
    return [text for text in texts if text]


def question_clauses(path: Path) -> list[str]:
    """Return the summary lines in a file that begin with a question clause."""
    return [text.splitlines()[0] for text in docstrings(path) if CLAUSE.match(text)]


@pytest.mark.parametrize("folder", ["package", "tests", "benchmarks", "demo", "examples"])
def test_no_summary_line_begins_with_a_question_clause(folder: str) -> None:
    files = (SOURCES if folder == "package" else ROOT / folder).rglob("*.py")
    clauses = {path: lines for path in files if (lines := question_clauses(path))}
    assert not clauses


def test_examples_have_a_heading_that_the_documentation_knows() -> None:
    """Under "Example:", the documentation would not show code."""
    unknown = [p for p in SOURCES.rglob("*.py") for d in docstrings(p) if "Example:\n" in d]
    assert not unknown


def test_a_question_clause_is_found(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text('"""Which words a text has."""\n\n\ndef f():\n    """Return words."""\n')
    assert question_clauses(path) == ["Which words a text has."]
