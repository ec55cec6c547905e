"""A circle of workers who send each other arrays: gloo, over their own network. The home of torch.distributed.

What peers that have gone make of it is a RuntimeError, of no class of its own; `lost` knows it.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from algorithms.state import State


class Circle(NamedTuple):
    """Those who are in it. rank: of the one who is told; host, port: where they find each other."""

    rank: int
    size: int
    host: str
    port: int
    seconds: float  # that one journey may take


def open_store(host: str) -> Any:
    """Where a circle finds together: something with a `port`."""
    return _torch().TCPStore(host, 0, None, is_master=True, wait_for_workers=False)


def group(circle: Circle, host: str, store: Any) -> Any:
    """Find the others. host: our own, as they reach it; store: of the first, who has opened it."""
    torch, timeout = _torch(), timedelta(seconds=circle.seconds)
    if circle.rank:
        store = torch.TCPStore(circle.host, circle.port, None, is_master=False, timeout=timeout)
    options = torch.ProcessGroupGloo._Options()  # torch's own way to say which network: there is no public one
    options._devices = [torch.ProcessGroupGloo.create_device(hostname=host)]
    options._timeout = timeout
    return torch.ProcessGroupGloo(store, circle.rank, circle.size, options)


def totals(within: Any) -> Callable[[NDArray[Any]], Callable[[], object]]:
    """Begins to add up an array over all, in place; what that returns waits until it is done."""
    import torch

    def total(array: NDArray[Any]) -> Callable[[], object]:
        wait: Callable[[], object] = within.allreduce([torch.from_numpy(array)]).wait
        return wait

    return total


def hand_round(within: Any, *, root: int, given: State | None, wanted: bool) -> State:
    """The state that the one with rank `root` gives to all: its outline first, then the bytes of each array.

    wanted: whether to keep it; all have to listen.
    """
    import torch

    def send(array: NDArray[Any]) -> None:
        if array.size:
            within.broadcast(torch.from_numpy(array), root).wait()

    described = [[name, list(array.shape), array.dtype.str] for name, array in (given or {}).items()]
    outline = np.frombuffer(orjson.dumps(described), np.uint8).copy()
    size = np.array([outline.size], np.int64)
    send(size)
    outline = outline if given is not None else np.empty(int(size[0]), np.uint8)
    send(outline)
    received = State()
    for name, shape, dtype in orjson.loads(outline.tobytes()):
        array = np.empty(shape, dtype) if given is None else np.ascontiguousarray(given[name])
        send(array.reshape(-1).view(np.uint8))
        if wanted:
            received[name] = array
    return received


def lost(error: BaseException) -> bool:
    """Whether it is about peers, and not about us."""
    text = str(error).lower()
    words = ("gloo", "connection", "timed out", "timeout", "peer", "socket", "store")
    return isinstance(error, RuntimeError | OSError) and any(word in text for word in words)


def _torch() -> Any:
    """A module that does not export what it documents."""
    from torch import distributed

    return distributed
