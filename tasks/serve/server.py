"""uvicorn with an endpoint in it: from the socket to the end. The home of uvicorn.

SIGTERM and SIGINT end it once the requests in flight are answered, SIGHUP takes newer versions of the models.
"""

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, cast

import uvicorn

from data.errors import EmbertextError
from tasks.serve.endpoint import Endpoint
from tasks.serve.models import Models

DRAIN_SECONDS = 24  # for requests in flight; SageMaker ends a container 30 seconds after it asked it to end
HANDOVER_SECONDS = 0.3  # in which new connections are still taken, and each answer ends the one it came by
IDLE_SECONDS = 2.0  # for connections that are kept alive, in case a request is on its way
KEEP_ALIVE_SECONDS = 75  # longer than most clients keep theirs, so that none is closed as it is used again
TICK_SECONDS = 0.05
BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """A socket that is bound, and does not take connections yet. Raises EmbertextError where that cannot be."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise EmbertextError(
            f"no such host: {error.strerror}", where=f"{host}:{port}", remedy="use 127.0.0.1, or 0.0.0.0 for all"
        ) from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise EmbertextError(
            f"cannot listen there: {error.strerror}", where=f"{host}:{port}", remedy="choose another with --port"
        ) from error
    return listener


def run(
    app: Endpoint,
    models: Models,
    listener: socket.socket,
    *,
    watch: float = 0,
    started: Callable[[], None] = lambda: None,
    until: Callable[[], bool] = lambda: False,
) -> int:
    """Serve until a signal, whose number is returned, or until `until()`: then 0.

    watch: seconds between two looks for newer versions; 0: only when asked. started: called when requests can come.
    Ctrl-C a second time ends the process at once.
    """
    server = Server(
        uvicorn.Config(
            app,
            log_config=None,  # uvicorn's own set-up would deadlock in Prefect's handlers
            access_log=False,
            lifespan="off",
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
    )
    try:
        with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
            return runner.run(_serve(server, app, models, listener, watch, started, until))
    finally:
        app.invocations.close()
        if server.force_exit:  # Python would wait for threads that compute what nobody hears any more
            sys.stdout.flush()
            os._exit(0)


class Server(uvicorn.Server):
    """uvicorn's, which leaves signals to us: it would send them again when all is over."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None."""
        yield


async def _serve(
    server: Server,
    app: Endpoint,
    models: Models,
    listener: socket.socket,
    watch: float,
    started: Callable[[], None],
    until: Callable[[], bool],
) -> int:
    loop, ended = asyncio.get_running_loop(), list[int]()
    newer = asyncio.Event()

    def end(number: int, _: FrameType | None) -> None:
        server.force_exit = bool(ended) and number == signal.SIGINT  # Ctrl-C a second time
        ended.append(number)

    def hang_up(*_: object) -> None:
        loop.call_soon_threadsafe(newer.set)

    with handlers({signal.SIGTERM: end, signal.SIGINT: end, signal.SIGHUP: hang_up}):
        serving = loop.create_task(server.serve([listener]))
        watching = loop.create_task(_watch(models, newer, watch))
        while not server.started and not serving.done():
            await asyncio.sleep(TICK_SECONDS)
        if not ended and server.started:
            started()
        while not (ended or until() or serving.done()):
            await asyncio.sleep(TICK_SECONDS)
        app.invocations.closing = True
        if server.started and not server.force_exit:
            await _hand_over(server, listener)
        server.should_exit = True
        await serving
        watching.cancel()
    return ended[0] if ended else 0


async def _hand_over(server: Server, listener: socket.socket) -> None:
    """Let connections end with an answer: those there are, and those that wait to be taken.

    A request that is on its way over a connection that is closed without one would be lost.
    """
    await asyncio.sleep(HANDOVER_SECONDS)
    waiting = []
    with listener.dup() as rest, suppress(BlockingIOError):  # the queue of connections lives on in it
        rest.setblocking(False)
        for each in server.servers:
            each.close()
        listener.close()
        while True:
            waiting.append(rest.accept()[0])
    loop, protocol = asyncio.get_running_loop(), cast(Any, server.config.http_protocol_class)
    for connection in waiting:
        await loop.connect_accepted_socket(
            lambda: protocol(config=server.config, server_state=server.server_state, app_state={}, _loop=loop),
            connection,
        )
    until = loop.time() + IDLE_SECONDS
    while server.server_state.connections and loop.time() < until and not server.force_exit:
        await asyncio.sleep(TICK_SECONDS)


async def _watch(models: Models, newer: asyncio.Event, seconds: float) -> None:
    """Take newer versions every so many seconds, and whenever `newer` is set."""
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(newer.wait(), timeout=seconds or None)
        newer.clear()
        await asyncio.to_thread(models.reload)


@contextmanager
def handlers(wanted: Mapping[int, Callable[[int, FrameType | None], None]]) -> Iterator[None]:
    """Who hears of signals in this block; only a main thread can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
