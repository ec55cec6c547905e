"""How a worker of Dask is asked: for something at once, beside its tasks, or for a task in one of its slots.

What is asked at once is answered however busy the worker is, so workers may wait for each other without two trainings
on the same ones ever waiting in a circle; and who does not answer has hung. It also costs a fifth of a task's time.
"""

import asyncio
import pickle
import threading
import traceback
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from distributed import Client, KilledWorker
from distributed.protocol.pickle import dumps, loads

from data.errors import EmbertextError

GONE = (OSError, TimeoutError, CancelledError, asyncio.CancelledError, KilledWorker)
"""What Dask raises when the worker, or the way to it, is lost."""


class Asked(NamedTuple):
    """What a worker was asked for."""

    address: str
    answer: "Future[Any]"


class Raised(NamedTuple):
    """An error as an answer, and those behind it, which do not travel by themselves."""

    errors: tuple[Exception, ...]


class WorkError(Exception):
    """Carries an error of the work itself past those who mend what happens to workers."""

    def __init__(self, raised: Raised) -> None:
        for error, cause in zip(raised.errors, raised.errors[1:], strict=False):
            error.__cause__ = cause
        self.error = raised.errors[0]
        super().__init__(str(self.error))


def at_once(client: Client, address: str, function: Callable[..., Any], *args: Any, **options: Any) -> Asked:
    """Have a worker call `function` in a thread of its own."""
    return Asked(address, _on_loop(client, _one(client, address, dumps(partial(function, *args, **options)))))


def as_task(client: Client, address: str, function: Callable[..., Any], *args: Any, **options: Any) -> Asked:
    """Have a worker, and nobody else, call `function` when it has a slot free."""
    task = client.submit(
        _answered, partial(function, *args, **options),
        workers=[address], allow_other_workers=False, pure=False, key=f"{function.__name__}-{uuid.uuid4().hex}",
    )  # fmt: skip
    return Asked(address, _on_loop(client, _awaited(task)))


def answer(asked: Asked) -> tuple[bool, Any]:
    """Whether a worker answered, and what. Raises WorkError for what the function raised there."""
    try:
        value = asked.answer.result()
    except GONE:
        return False, None
    if isinstance(value, Raised):
        raise WorkError(value)
    return True, value


def _on_loop(client: Client, coroutine: Any) -> "Future[Any]":
    loop: Any = client.loop
    future: Future[Any] = asyncio.run_coroutine_threadsafe(coroutine, loop.asyncio_loop)
    return future


async def _one(client: Client, address: str, call: bytes) -> Any:
    running: Any = client.run(_aside, call, workers=[address], on_error="return", asynchronous=True)
    found = (await running)[address]
    if isinstance(found, Exception):
        raise found
    return found


async def _awaited(task: Any) -> Any:
    return await task


async def _aside(call: bytes) -> Any:
    """Runs in the worker, on its event loop, which must not wait."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[Any] = loop.create_future()

    def told(value: Any) -> None:
        if not answered.done():  # who asked may have gone
            answered.set_result(value)

    def work() -> None:
        loop.call_soon_threadsafe(told, _answered(lambda: loads(call)()))

    threading.Thread(target=work, name="embertext", daemon=True).start()
    return await answered


def _answered(function: Callable[[], Any]) -> Any:
    """What it returns; what it raises, as an answer that can travel."""
    try:
        return function()
    except Exception as error:
        error.add_note(f"In the worker:\n{traceback.format_exc()}")
        chain: list[Exception] = []
        cause: BaseException | None = error
        while isinstance(cause, Exception):
            chain.append(_portable(cause))
            cause = cause.__cause__
        return Raised(tuple(chain))


def _portable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


@contextmanager
def scheduler_lost(client: Client) -> Iterator[None]:
    """Turn the loss of the scheduler in the block into one line; errors of the work come through as they are."""
    try:
        yield
    except EmbertextError:
        raise
    except WorkError as carried:
        raise carried.error from carried.error.__cause__
    except (OSError, TimeoutError, CancelledError) as error:
        raise failed(client, "the scheduler was lost in mid-training") from ConnectionError(str(error))


def failed(client: Client, what: str) -> EmbertextError:
    """A cluster that is lost, in one line. It comes from the network, so the task is tried again."""
    where = str(client.scheduler.address) if client.scheduler else "the Dask scheduler"
    remedy = "start the same run again: it goes on from its last checkpoint"
    error = EmbertextError(what, where=where, remedy=remedy)
    error.__cause__ = ConnectionError(what)
    return error
