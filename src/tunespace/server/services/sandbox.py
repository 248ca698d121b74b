"""Subprocesses for work that needs much memory or may crash: it must not happen in the server."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NoReturn

from tunespace.models.worker_pool import worker_environment


@asynccontextmanager
async def subprocess(
    command: str, *arguments: str, one_thread: bool = False
) -> AsyncIterator[Process]:
    """Run Python code in a subprocess that is killed when the block ends.

    Args:
        command: Python code, as after ``python -c``.
        arguments: ``sys.argv`` from 1 on.
        one_thread: Whether to use one core only.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        command,
        *arguments,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL,
        env=worker_environment(one_thread=one_thread),
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def run_json(command: str, *arguments: str, seconds: float) -> dict[str, Any] | None:
    """Run Python code in a subprocess and return its JSON result, or None if it printed none.

    Args:
        command: Python code that ends with ``exit_with_json``.
        arguments: ``sys.argv`` from 1 on.
        seconds: Maximum duration.

    Raises:
        TimeoutError: The subprocess took longer than ``seconds`` and was killed.
    """
    async with (
        asyncio.timeout(seconds),
        subprocess(command, *arguments, one_thread=True) as process,
    ):
        output, _ = await process.communicate()
    try:
        result: dict[str, Any] = json.loads(output)
    except ValueError:
        return None
    return result


def exit_with_json(result: dict[str, Any]) -> NoReturn:
    """Print a result as JSON and exit at once, without joining threads of decoders."""
    sys.stdout.write(json.dumps(result))
    sys.stdout.flush()
    os._exit(0)


def limit_resources(*, memory: int, seconds: int, file_size: int) -> None:
    """Limit the resources of the current process, where the system can.

    Args:
        memory: Maximum address space in bytes.
        seconds: Maximum CPU time in seconds.
        file_size: Maximum size of a written file in bytes.
    """
    try:
        import resource
    except ImportError:  # Windows has none; the parent's timeout still applies
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
