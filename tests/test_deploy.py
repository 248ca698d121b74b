"""The files of deploy/ name files, options and variables that exist."""

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from tunespace.cli.index import index
from tunespace.cli.serve import serve

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
COMMANDS: dict[str, click.Command] = {"index": index, "serve": serve}
UNITS = ("tunespace.service", "tunespace-index.service")


def require_valid(arguments: list[str]) -> None:
    """Parse the arguments of a command as the command does."""
    name, *rest = arguments
    COMMANDS[name].make_context(name, rest)


def test_the_image_is_built_from_files_that_exist_and_runs_as_a_user() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    joined = text.replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    for line in lines:
        if line.startswith("COPY ") and "--from" not in line:
            *sources, _ = line.split()[1:]
            assert all((ROOT / source).exists() for source in sources), line
    last_stage = lines[max(n for n, line in enumerate(lines) if line.startswith("FROM")) :]
    assert "USER tunespace" in last_stage
    assert any(line.startswith("HEALTHCHECK") for line in last_stage)
    [command] = [line for line in last_stage if line.startswith("CMD")]
    require_valid(re.findall(r'"([^"]+)"', command))
    kept = subprocess.run(
        ["/usr/bin/env", "git", "check-ignore", "deploy/Dockerfile"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert kept.returncode != 0


def test_compose_mounts_music_read_only() -> None:
    services: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    for service in services.values():
        require_valid(service["command"])
        music = [volume for volume in service["volumes"] if ":/music" in volume]
        assert music
        assert all(volume.endswith(":ro") for volume in music)
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"]
    build = services["index"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).exists()


@pytest.mark.parametrize("name", UNITS)
def test_units_start_valid_commands_without_privileges(name: str) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / name, encoding="utf-8")
    program, *arguments = shlex.split(unit["Service"]["ExecStart"])
    assert program.endswith("/bin/tunespace")
    require_valid(arguments)
    assert unit["Service"]["ProtectSystem"] == "strict"
    assert unit["Service"]["NoNewPrivileges"] == "yes"
    assert unit["Service"]["CapabilityBoundingSet"] == ""


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_knows_every_key_of_the_units(name: str) -> None:
    done = subprocess.run(  # noqa: S603
        ["systemd-analyze", "verify", str(DEPLOY / name)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Unknown" not in done.stderr
