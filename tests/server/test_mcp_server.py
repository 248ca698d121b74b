import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters
from starlette.testclient import TestClient

from tunespace.server import Settings
from tunespace.server.mcp_server import make_mcp
from tunespace.server.services.index_job import IndexJob
from tunespace.server.services.library_pool import LibraryPool

from .test_serve import served

Api = Callable[..., TestClient]


def content(result: Any) -> Any:  # noqa: ANN401 - what a tool gives
    assert not result.is_error, result
    return result.structured_content


def asked(library: Path, name: str, *, write: bool = False, **arguments: object) -> Any:  # noqa: ANN401
    """Return a tool's result, called in this process."""
    collection = LibraryPool(Settings(library=library))

    async def ask() -> Any:  # noqa: ANN401
        server = make_mcp(collection, IndexJob(collection) if write else None)
        async with Client(server) as client:
            if name == "":
                return (await client.list_tools()).tools
            return await client.call_tool(name, arguments)

    try:
        return asyncio.run(ask())
    finally:
        collection.close()


def test_mcp_is_read_only_without_allow_write(library: Path) -> None:
    tools = asked(library, "")
    assert {tool.name for tool in tools} == {
        "search_music",
        "similar_music",
        "describe_music",
        "library_facts",
    }
    assert all(tool.annotations.read_only_hint for tool in tools)
    assert "update_library" in {tool.name for tool in asked(library, "", write=True)}


def test_each_tool_returns_a_result(library: Path) -> None:
    found = content(asked(library, "search_music", query="low"))["tracks"]
    assert found[0]["title"] == "low tone"
    assert found[0]["length"] == "0:02"
    away = content(asked(library, "search_music", query="high", avoid=["low"], limit=2))["tracks"]
    assert "low tone" not in [one["title"] for one in away]
    filtered = content(asked(library, "search_music", query="low", where="year > 2000"))["tracks"]
    assert [one["title"] for one in filtered] == ["high tone"]
    similar = content(asked(library, "similar_music", track_id=found[0]["track_id"]))["tracks"]
    assert found[0]["title"] not in [one["title"] for one in similar]
    asked_for = {"track_id": found[0]["track_id"], "change": "after 2000"}
    changed = content(asked(library, "similar_music", **asked_for))["tracks"]
    assert [one["title"] for one in changed] == ["high tone"]
    facts = content(asked(library, "library_facts"))
    assert (facts["tracks"], facts["genres"], facts["decades"]) == (
        3,
        {"Tones": 3},
        {"1990s": 1, "2000s": 1},
    )


def test_failures_are_reported_as_tool_errors(library: Path) -> None:
    for name, arguments, message in (
        ("search_music", {"query": "zzz"}, "no word of 'zzz' is known"),
        ("search_music", {"query": "low", "where": "1=1"}, "the filter"),
        ("similar_music", {"track_id": 999}, "the library has no track 999"),
        ("search_music", {"query": ""}, "query"),
        ("search_music", {"query": "low", "limit": 10_000}, "limit"),
    ):
        result = asked(library, name, **arguments)
        assert result.is_error
        assert message in str(result.content)
        assert "Traceback" not in str(result.content)


def test_mcp_works_over_standard_input(library: Path) -> None:
    command = "from tunespace.cli import main; main()"
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-c", command, "serve", "--mcp", "--library", str(library)],
        env=dict(os.environ) | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )

    async def ask() -> Any:  # noqa: ANN401
        async with Client(parameters) as client:
            return await client.call_tool("search_music", {"query": "low"})

    assert content(asyncio.run(ask()))["tracks"][0]["title"] == "low tone"


def test_mcp_works_over_http(library: Path) -> None:
    async def ask(address: str) -> Any:  # noqa: ANN401
        async with Client(f"{address}/mcp") as client:
            return await client.call_tool("search_music", {"query": "low"})

    with served(library) as (_, address):
        assert content(asyncio.run(ask(address)))["tracks"][0]["title"] == "low tone"


def test_mcp_over_http_needs_the_token(client: Api) -> None:
    api = client(token="secret")
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    assert api.post("/mcp", json=body).status_code == 401
    headers = {"authorization": "Bearer secret", "accept": "application/json, text/event-stream"}
    assert api.post("/mcp", json=body, headers=headers).status_code == 200
    assert "search_music" in json.dumps(api.post("/mcp", json=body, headers=headers).json())


def test_arguments_that_are_null_are_those_that_are_missing(library: Path) -> None:
    found = asked(library, "search_music", query="low", avoid=None, where=None, limit=None)
    assert content(found)["tracks"][0]["title"] == "low tone"
    low = content(found)["tracks"][0]["track_id"]
    found = asked(library, "similar_music", track_id=low, change=None, where=None)
    assert content(found)["tracks"][0]["title"] == "middle tone"
    assert content(asked(library, "library_facts", where=None))["tracks"] == 3


def test_a_filter_cannot_close_the_brackets_that_it_is_put_into(library: Path) -> None:
    where = "year > 2000) or (year > 0"
    for change in ("", "after 1900"):
        refused = asked(library, "similar_music", track_id=1, change=change, where=where)
        assert refused.is_error


def test_the_address_of_mcp_may_end_with_a_slash(client: Api) -> None:
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    headers = {"accept": "application/json, text/event-stream"}
    for path in ("/mcp", "/mcp/"):
        answer = client().post(path, json=request, headers=headers)
        assert answer.status_code == 200, path
