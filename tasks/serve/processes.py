"""Several processes that take requests from one socket, each with the models; one that minds them.

What ends or reloads the one that minds does so to all. One that dies is started anew; the others go on meanwhile.
"""

import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from multiprocessing import connection, get_context, parent_process
from multiprocessing.sharedctypes import RawArray
from typing import Any, Protocol

from data.errors import EmbertextError
from data.process import deaf_children
from tasks.serve.server import DRAIN_SECONDS, TICK_SECONDS, handlers

logger = logging.getLogger("embertext.serve")

END_SECONDS = DRAIN_SECONDS + 3  # for all to end before they are made to
PAUSE_SECONDS = 1.0  # before one that died is started anew


class Work(Protocol):
    """What each process does: a function of a module, called with its number, until it is asked to end.

    `ready()` is to be called when it can answer. An EmbertextError before that ends all.
    """

    def __call__(self, process: int, ready: Callable[[], None], *arguments: Any) -> None:
        """Work."""


def mind(count: int, work: Work, arguments: Sequence[Any], *, started: Callable[[], None], signals: bool = True) -> int:
    """Run `work` in `count` processes until a signal, whose number is returned.

    arguments: what can be sent to a process as it starts, such as sockets and shared memory. started: called when all
    are ready. signals: False leaves SIGTERM and SIGINT to handlers that are there, and an exception of theirs ends
    all as well. Raises EmbertextError when one cannot begin.
    """
    context = get_context("spawn")
    ready, errors = RawArray("b", count), context.SimpleQueue()
    ended: list[int] = []

    def start(number: int) -> Any:
        ready[number] = 0
        with deaf_children():  # Ctrl-C reaches them by way of this process alone
            child = context.Process(
                target=_work, args=(work, number, ready, errors, *arguments), name=f"serve-{number}", daemon=True
            )
            child.start()
        return child

    children: list[Any] = []

    def hang_up(*_: object) -> None:
        for number, child in enumerate(children):
            if child.is_alive() and ready[number]:
                os.kill(child.pid, signal.SIGHUP)

    def end(number: int, _: object) -> None:
        ended.append(number)

    ends = (signal.SIGTERM, signal.SIGINT) if signals else ()
    with handlers({signal.SIGHUP: hang_up, **dict.fromkeys(ends, end)}):
        told = False
        try:
            children.extend(start(number) for number in range(count))  # those there are, should one not begin
            while not ended:
                connection.wait([child.sentinel for child in children], timeout=TICK_SECONDS)
                for number, child in enumerate(children):
                    if child.is_alive() or ended:
                        continue
                    if not ready[number]:
                        raise EmbertextError(
                            "a process could not begin" if errors.empty() else errors.get(), remedy="see the log"
                        )
                    logger.warning("process %d ended with %s; another takes its place", number, child.exitcode)
                    time.sleep(PAUSE_SECONDS)
                    children[number] = start(number)
                if not told and all(ready):
                    told = True
                    started()
        finally:
            for each in arguments:
                if isinstance(each, socket.socket):
                    each.close()  # or who connects would wait for an answer until we are gone too
            _end(children)
    return ended[0]


def tell_all() -> None:
    """From one of the processes: have all take newer versions."""
    if parent := parent_process():
        os.kill(parent.pid or 0, signal.SIGHUP)


def orphaned() -> bool:
    """Whether the one that minds us is gone."""
    parent = parent_process()
    return parent is not None and not parent.is_alive()


def _work(work: Work, number: int, ready: Any, errors: Any, *arguments: Any) -> None:
    def is_ready() -> None:
        ready[number] = 1

    try:
        work(number, is_ready, *arguments)
    except EmbertextError as error:
        errors.put(str(error))
        raise SystemExit(2) from error


def _end(children: Sequence[Any]) -> None:
    for child in children:
        child.terminate()
    until = time.monotonic() + END_SECONDS
    for child in children:
        child.join(max(0.0, until - time.monotonic()))
        if child.is_alive():
            child.kill()
            child.join()
