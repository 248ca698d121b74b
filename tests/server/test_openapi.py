import json
import subprocess
import sys
from collections.abc import Callable

from starlette.testclient import TestClient

from tunespace.server.app import openapi_document


def test_the_document_without_a_library_is_that_of_a_server(
    client: Callable[..., TestClient],
) -> None:
    assert openapi_document() == client().get("/api/openapi.json").json()


def test_the_module_prints_the_document() -> None:
    command = [sys.executable, "-m", "tunespace.server.openapi"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
    assert json.loads(printed) == openapi_document()
