"""A load on a server of HTTP: so many clients at once, each of which asks again as soon as it has its answer.

One thread, blocking sockets that are kept open, epoll; requests are bytes made before, and of an answer only the status
and the length are read: some 15 microseconds of this process a request, so that it waits for the server and not the
other way round. No pipelining.
"""

import gc
import http.client
import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import cycle
from typing import NamedTuple

HOST = "127.0.0.1"
PIECE = 1 << 18
PATIENCE = 30.0  # seconds for any answer
LENGTH = b"\r\ncontent-length:"


class Load(NamedTuple):
    """seconds: from the first request to the last answer; latencies: of each request, in seconds; errors: answers that
    were no 200, or not what was expected.
    """

    seconds: float
    latencies: list[float]
    errors: int

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds


class _Client:
    """A connection, and what has come of an answer. number: which request waits for it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.begun, self.number = 0.0, 0
        self._pieces: list[bytes] = []
        self._missing = 0

    def ask(self, number: int, request: bytes) -> None:
        self.number, self.begun = number, time.perf_counter()
        self.socket.sendall(request)

    def hear(self) -> bytes:
        """The whole answer, head and body; b"" while there is more to come."""
        piece = self.socket.recv(PIECE)
        if not piece:
            raise ConnectionError("the server has closed a connection")
        if not self._pieces:
            end = piece.find(b"\r\n\r\n")
            assert end > 0, piece[:200]
            self._missing = end + 4 + length(piece[:end])
        self._pieces.append(piece)
        self._missing -= len(piece)
        if self._missing > 0:
            return b""
        assert self._missing == 0, "more than an answer"
        whole = piece if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        return whole


def length(head: bytes) -> int:
    """What a head says of its body's."""
    begin = head.lower().index(LENGTH) + len(LENGTH)
    end = head.find(b"\r\n", begin)
    return int(head[begin : end if end > 0 else None])


def request(path: str, body: bytes, *, content_type: str = "application/json") -> bytes:
    """A POST, ready to be sent."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: {HOST}\r\ncontent-type: {content_type}\r\naccept: {content_type}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def load(
    port: int,
    requests: Sequence[bytes],
    *,
    clients: int,
    seconds: float = float("inf"),
    most: int | None = None,
    right: Callable[[int, bytes], bool] = lambda number, answer: True,
) -> Load:
    """Ask until the time is over, or `most` requests are answered. right: of the request with a number, judges the
    whole answer.
    """
    latencies: list[float] = []
    errors, left = 0, most if most is not None else -1
    turns = cycle(range(len(requests)))
    with ExitStack() as stack, closing(select.epoll()) as poll:
        asking = {}
        for _ in range(clients):
            client = _Client(port)
            stack.callback(client.socket.close)
            asking[client.socket.fileno()] = client
            poll.register(client.socket, select.EPOLLIN)
        gc.disable()
        stack.callback(gc.enable)
        begun = now = time.perf_counter()
        for client in asking.values():
            number = next(turns)
            left -= 1
            client.ask(number, requests[number])
        flying = len(asking)
        while flying:
            heard = poll.poll(PATIENCE)
            if not heard:
                raise TimeoutError(f"no answer within {PATIENCE:.0f} seconds")
            for descriptor, _ in heard:
                client = asking[descriptor]
                answer = client.hear()
                if not answer:
                    continue
                now = time.perf_counter()
                latencies.append(now - client.begun)
                if not (answer.startswith(b"HTTP/1.1 200") and right(client.number, answer)):
                    errors += 1
                if now - begun < seconds and left:
                    number = next(turns)
                    left -= 1
                    client.ask(number, requests[number])
                else:
                    flying -= 1
    return Load(now - begun, latencies, errors)


def ask(port: int, requests: Sequence[bytes]) -> Iterator[bytes]:
    """The bodies of the answers, one after the other. Raises ConnectionError for any that is no 200."""
    with closing(_Client(port).socket) as connection:
        for each in requests:
            connection.sendall(each)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            body = answer.read()
            if answer.status != 200:
                raise ConnectionError(f"{answer.status}: {body[:200]!r}")
            yield body
