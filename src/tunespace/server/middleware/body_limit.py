"""Limit the size of request bodies and the time that they take to arrive."""

import asyncio

from starlette.responses import Response

from tunespace.server.error_handlers import problem
from tunespace.server.middleware.asgi import Message, Receive


async def read_body(receive: Receive, max_bytes: int, seconds: float) -> bytes | Response | None:
    """Read the body of a request.

    Args:
        receive: Receives the messages of the request.
        max_bytes: Maximum size of the body.
        seconds: Maximum time until the body is complete.

    Returns:
        The body; the response that refuses a body that is too large or too slow; None if the
        client disconnected.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                body += message.get("body", b"")
                if len(body) > max_bytes:
                    return problem(413, f"the request is larger than {max_bytes:,} bytes")
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        return problem(408, "the request took too long to arrive", {"connection": "close"})


def replay_body(body: bytes, receive: Receive) -> Receive:
    """Return a receiver that gives a body that was read already, then what follows."""
    is_first = True

    async def replay() -> Message:
        nonlocal is_first
        if is_first:
            is_first = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return replay
