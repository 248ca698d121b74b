"""The table of licences in docs/install.md is true of what a plain install brings."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
# As their classifiers and expressions write them.
_WORDS = {
    "BSD": "BSD",
    "MIT": "MIT",
    "Apache-2.0": "Apache",
    "MPL-2.0": "Mozilla Public License 2.0",
}


def licence_of(package: str) -> str:
    about: Any = metadata(package)
    classifiers = [c for c in about.get_all("Classifier") or [] if c.startswith("License")]
    expression = about.get("License-Expression") or ""
    # Some packages put the whole text there.
    text = (about.get("License") or "").partition("\n")[0]
    return " ".join([expression, *classifiers] if expression or classifiers else [text])


def installed_with(packages: list[str]) -> set[str]:
    """Return packages with all that they need."""
    found: set[str] = set()
    left = list(packages)
    while left:
        name = left.pop().lower().replace("_", "-")
        if name in found:
            continue
        try:
            needed = requires(name) or []
        except PackageNotFoundError:  # of another platform
            continue
        found.add(name)
        for text in needed:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                left.append(requirement.name)
    return found


def direct() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(text).name.lower() for text in project["dependencies"]]


def test_no_package_of_a_plain_install_is_under_the_gpl() -> None:
    for package in installed_with(direct()):
        licence = licence_of(package)
        assert not re.search(r"(?<!L)GPL|General Public License(?!.*Lesser)", licence), package


def test_the_table_of_licences_is_true() -> None:
    text = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    section = text.partition("## Licences")[2]
    rows = re.findall(r"^\| ([a-z][^|]*) \| ([^|]*) \|$", section, re.MULTILINE)
    listed: dict[str, str] = {}
    for names, licence in rows:
        for name in re.sub(r" \(.*?\)", "", names).split(", "):
            if name != "package":
                listed[name] = licence
    assert sorted(listed) == sorted(name.replace("_", "-") for name in direct())
    for name, licence in listed.items():
        word = _WORDS[re.split(r"[ -](?:\d-)?[Cc(]", licence)[0]]
        assert word in licence_of(name), (name, licence_of(name))
