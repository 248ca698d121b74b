"""Processes of our own: what needs much memory, or may go astray, does not do so in the server."""

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
async def child(command: str, *arguments: str, one_thread: bool = False) -> AsyncIterator[Process]:
    """A Python process that is gone when the block is left; its output can be read.

    Args:
        command: A program, as after ``python -c``.
        arguments: ``sys.argv`` from 1 on.
        one_thread: Whether it leaves the other cores to others.
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


async def answer_of(command: str, *arguments: str, seconds: float) -> dict[str, Any] | None:
    """What a process that ends with ``tell`` has to say; none where it ended without a word.

    Raises:
        TimeoutError: It took longer than ``seconds``, and was ended.
    """
    async with (
        asyncio.timeout(seconds),
        child(command, *arguments, one_thread=True) as process,
    ):
        said, _ = await process.communicate()
    try:
        answer: dict[str, Any] = json.loads(said)
    except ValueError:
        return None
    return answer


def tell(answer: dict[str, Any]) -> NoReturn:
    """Says one line of JSON and ends the process, whatever decoders have left running in it."""
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    os._exit(0)


def bound(*, memory: int, seconds: int, file_size: int) -> None:
    """Bounds the process that it is called in, where the system can.

    Args:
        memory: Most bytes of address space.
        seconds: Most seconds of a processor.
        file_size: Largest file that may be written, in bytes.
    """
    try:
        import resource
    except ImportError:  # Windows has none; the parent's clock still holds
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
