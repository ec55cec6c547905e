"""A server between a client and S3 that fails as networks and servers do, at the requests that a test names.

    with Proxy(backend_port) as proxy:
        proxy.fail(slow_down, method="PUT", path="/versions/", times=2)

Each connection carries one request: what is answered is what the backend says, unless a fault is due.
"""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

SLOW_DOWN = (
    b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
)


class Request(NamedTuple):
    """head: the request line and the headers, as they came; length: bytes of the body, which is still to be read."""

    head: bytes
    begun: bytes
    length: int

    @property
    def line(self) -> str:
        return self.head.split(b"\r\n", 1)[0].decode()


class Fault(NamedTuple):
    work: Callable[["Proxy", socket.socket, Request], None]
    method: str
    path: str


class Proxy:
    """`url` is the address to give a client. `seen` has the request lines, in their order."""

    def __init__(self, backend: int) -> None:
        self.backend, self.seen, self._due = backend, list[str](), list[Fault]()
        self._lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Proxy":
        self._serve()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fail(
        self,
        work: Callable[["Proxy", socket.socket, Request], None],
        *,
        method: str = "",
        path: str = "",
        times: int = 1,
    ) -> None:
        """The next so many requests of this method, whose path has `path` in it, fail as `work` does."""
        self._due += [Fault(work, method, path)] * times

    def well(self) -> None:
        """No more faults."""
        self._due.clear()

    def close(self) -> None:
        """Refuse connections."""
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def open_again(self, *, seconds: float) -> None:
        """After so many seconds, at the same port."""

        def later() -> None:
            time.sleep(seconds)
            self.listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
            self._serve()

        threading.Thread(target=later, daemon=True).start()

    def _serve(self) -> None:
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            if request := received(client):
                fault = self._fault(request)
                self.seen.append(f"{request.line} {fault.work.__name__ if fault else ''}".strip())
                (fault.work if fault else forward)(self, client, request)

    def _fault(self, request: Request) -> Fault | None:
        with self._lock:
            method, path, _ = request.line.split(" ")
            for fault in self._due:
                if fault.method in ("", method) and fault.path in path:
                    self._due.remove(fault)
                    return fault
        return None


def received(client: socket.socket) -> Request | None:
    """The head of the next request; None where there is none."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := client.recv(65536)):
            return None
        data += piece
    head, _, begun = data.partition(b"\r\n\r\n")
    headers = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
    if b"expect" in headers:
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    return Request(head, begun, int(headers.get(b"content-length", b"0")))


def body(client: socket.socket, request: Request, *, most: int | None = None):
    """The body in pieces, at most so many bytes of it."""
    left = request.length if most is None else min(most, request.length)
    piece = request.begun[:left]
    while left > 0:
        if not piece:
            piece = client.recv(min(1 << 20, left))
            if not piece:
                return
        yield piece
        left -= len(piece)
        piece = b""


def forward(proxy: Proxy, client: socket.socket, request: Request) -> None:
    """All is well."""
    with socket.create_connection(("127.0.0.1", proxy.backend)) as server:
        sent(server, client, request)
        while piece := server.recv(1 << 20):
            client.sendall(piece)


def sent(server: socket.socket, client: socket.socket, request: Request) -> None:
    lines = [line for line in request.head.split(b"\r\n") if not line.lower().startswith((b"connection:", b"expect:"))]
    server.sendall(b"\r\n".join([*lines, b"Connection: close", b"", b""]))
    for piece in body(client, request):
        server.sendall(piece)


def slow_down(proxy: Proxy, client: socket.socket, request: Request) -> None:
    """503, as S3 says that it is asked too much."""
    for _ in body(client, request):
        pass
    head = f"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: {len(SLOW_DOWN)}\r\n"
    client.sendall(head.encode() + b"Connection: close\r\n\r\n" + SLOW_DOWN)


def cut(proxy: Proxy, client: socket.socket, request: Request) -> None:
    """The connection ends in the middle of the body."""
    for _ in body(client, request, most=request.length // 2):
        pass
    reset(client)


def lost(proxy: Proxy, client: socket.socket, request: Request) -> None:
    """The server does what it is asked, and the connection ends before its answer is back."""
    with socket.create_connection(("127.0.0.1", proxy.backend)) as server:
        sent(server, client, request)
        while server.recv(1 << 20):
            pass
    reset(client)


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    client.close()
