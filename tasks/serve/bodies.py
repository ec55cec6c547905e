"""The body of a request, not more of it than is allowed; and what a client that sends more is told.

Knows ASGI and no framework.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

TEXT = "text/plain; charset=utf-8"
CLOSE = (b"connection", b"close")

MOST_BYTES = 6_291_456  # 6 MB, as SageMaker's InvokeEndpoint takes them
READ_SECONDS = 60.0  # that a client may take to send its body
TOO_SLOW = f"no whole body within {READ_SECONDS:.0f} seconds; send it faster, or less of it"
LINGER_SECONDS, LINGER_BYTES = 5.0, 1 << 27  # that are thrown away of a refused body


class Disconnected(Exception):  # noqa: N818 - nobody is left to be told of an error
    """The client has gone."""


class TooLarge(Exception):  # noqa: N818
    """More than is taken; `size` is what was announced, or 0."""

    def __init__(self, size: int = 0) -> None:
        self.size = size


async def read(receive: Receive, *, announced: bytes, most: int) -> bytes:
    """The whole body. Raises TooLarge as soon as that is certain, TimeoutError, Disconnected.

    announced: the header Content-Length, b"" without one; HTTP's parser holds a client to it.
    """
    if len(announced) > 20 or (announced and int(announced) > most):
        raise TooLarge(int(announced[:20]))
    async with asyncio.timeout(READ_SECONDS):
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            body: bytes = message.get("body", b"")  # nearly always
            if len(body) > most:
                raise TooLarge
            return body
        parts, size = [], 0
        while True:
            if message["type"] == "http.disconnect":
                raise Disconnected
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > most:
                raise TooLarge
            if not message.get("more_body"):
                return b"".join(parts)
            message = await receive()


async def send_all(
    send: Send,
    status: int,
    content_type: str,
    body: bytes,
    headers: Iterable[tuple[bytes, bytes]],
    *,
    more: bool = False,
) -> None:
    """A whole response. more: the client has it all, and the exchange is not over; `linger` ends it."""
    start = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def linger(receive: Receive, send: Send) -> None:
    """Throw away what still comes of a body that was refused, for a while; then the connection ends.

    Most clients look for an answer when they have sent all. One whose connection ends before that may never see it.
    """
    thrown, more = 0, True
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while more and thrown < LINGER_BYTES:
                message = await receive()
                thrown += len(message.get("body", b""))
                more = message["type"] == "http.request" and message.get("more_body", False)
    await send({"type": "http.response.body", "body": b""})


async def refuse(error: Exception, receive: Receive, send: Send, *, most: int) -> None:
    """Say that a body was not read, to whoever is still there."""
    if isinstance(error, TooLarge):
        await send_all(send, 413, TEXT, too_large(error, most).encode(), [CLOSE], more=True)
        await linger(receive, send)
    elif isinstance(error, TimeoutError):
        await send_all(send, 408, TEXT, TOO_SLOW.encode(), [CLOSE])


def too_large(error: TooLarge, most: int) -> str:
    """What the client is told."""
    size = f"{error.size:,} bytes" if error.size else "it goes on"
    return f"the body is too large: {size}, and at most {most:,} bytes are taken; send fewer instances a request"
