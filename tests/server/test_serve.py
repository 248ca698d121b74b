import logging
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tunespace.models.worker_pool import worker_environment
from tunespace.server.serve import _log_plainly


@contextmanager
def served(library: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``tunespace serve`` in a process of its own, and the address that it prints."""
    command = "from tunespace.cli import main; main()"
    process = subprocess.Popen(  # noqa: S603 - this interpreter
        [sys.executable, "-c", command, "serve", "--library", library, "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    try:
        assert process.stdout is not None
        message = process.stdout.readline()
        found = re.search(r"http://\S+", message)
        assert found, message
        yield process, found[0]
    finally:
        process.kill()
        process.communicate()


def read(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - our own server
        return bytes(answer.read())


def test_the_server_runs_until_it_is_interrupted(library: Path) -> None:
    with served(library) as (process, address):
        assert b'"status":"ok"' in read(f"{address}/health")
        assert b"low tone" in read(f"{address}/api/search?q=low")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
        assert "Traceback" not in err
        assert process.returncode in (0, 130)


def test_remote_clients_need_a_token(library: Path) -> None:
    with served(library, "--host", "0.0.0.0") as (_, address):  # noqa: S104 - that is the test
        host, _, token = address.partition("/?token=")
        assert len(token) > 20
        with pytest.raises(urllib.error.HTTPError, match="401"):
            read(f"{host}/api/tracks")
        request = urllib.request.Request(  # noqa: S310
            f"{host}/api/tracks", headers={"authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            assert answer.status == 200


def test_an_empty_token_is_not_accepted(library: Path) -> None:
    with served(library, "--host", "0.0.0.0", "--token", "") as (_, address):  # noqa: S104
        host, _, token = address.partition("/?token=")
        assert len(token) > 20
        with pytest.raises(urllib.error.HTTPError, match="401"):
            read(f"{host}/api/tracks")


def test_a_server_that_cannot_start_reports_the_reason(library: Path, tmp_path: Path) -> None:
    long = tmp_path / "long"
    long.write_text("x" * 10_000)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for arguments, message in (
            (
                ["--library", str(library), "--port", port],
                f"cannot listen on 127.0.0.1, port {port}",
            ),
            (["--library", str(tmp_path / "none"), "--port", "0"], "there is no library in"),
            (["--token-file", str(long)], "is no token: it has more than 4,096 characters"),
        ):
            done = subprocess.run(  # noqa: S603 - this interpreter
                [
                    sys.executable,
                    "-c",
                    "from tunespace.cli import main; main()",
                    "serve",
                    *arguments,
                ],
                capture_output=True,
                text=True,
                check=False,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
            assert done.returncode == 1
            assert done.stderr.startswith("tunespace: ")
            assert message in done.stderr
            assert "Traceback" not in done.stderr


def test_the_token_is_read_from_a_file_and_is_encoded_in_the_address(
    library: Path, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("a+b/c==\n")
    with served(library, "--token-file", str(file)) as (process, address):
        assert address.endswith("/?token=a%2Bb%2Fc%3D%3D")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            read(address.partition("/?")[0] + "/api/tracks")
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        assert opener.open(address, timeout=10).status == 200
        if Path("/proc").exists():
            assert b"a+b" not in Path(f"/proc/{process.pid}/cmdline").read_bytes()


def test_decoders_do_not_get_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNESPACE_TOKEN", "secret")
    assert "TUNESPACE_TOKEN" not in worker_environment(one_thread=True)


def test_forwarded_addresses_count_only_behind_a_named_proxy(library: Path) -> None:
    def statuses(address: str) -> set[int]:
        found = set()
        for n in range(8):
            request = urllib.request.Request(  # noqa: S310
                f"{address}/api/tracks?limit=1", headers={"x-forwarded-for": f"10.0.0.{n}"}
            )
            try:
                found.add(urllib.request.urlopen(request, timeout=10).status)  # noqa: S310
            except urllib.error.HTTPError as error:
                found.add(error.code)
        return found

    with served(library, "--rate", "4") as (_, address):
        assert statuses(address) == {200, 429}
    with served(library, "--rate", "4", "--proxy", "127.0.0.1") as (_, address):
        assert statuses(address) == {200}


def test_a_thousand_internal_errors_are_logged_in_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    root, handlers, level = logging.getLogger(), logging.getLogger().handlers[:], logging.root.level
    try:
        _log_plainly()
        for _ in range(1000):
            try:
                raise ZeroDivisionError("a fault")
            except ZeroDivisionError as error:
                logging.getLogger("tunespace.server").error("GET /", exc_info=error)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    lines = capsys.readouterr().err.splitlines()
    assert sum("Traceback" in line for line in lines) == 1
    assert (
        sum("GET /" in line and "(ZeroDivisionError: a fault, as above)" in line for line in lines)
        == 999
    )
    assert len(lines) < 1020
