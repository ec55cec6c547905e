"""Threads that compute parts of a mini-batch side by side. torch's own stay at one: its operations are too short."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


class Threads:
    """So many of them."""

    def __init__(self, number: int, pool: ThreadPoolExecutor | None) -> None:
        self.number, self._pool = number, pool

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """`work` on each item; results in the order of the items."""
        return list(self._pool.map(work, items) if self._pool else map(work, items))


ALONE = Threads(1, None)


@contextmanager
def threads(number: int) -> Iterator[Threads]:
    """So many threads, with torch's own number set to one meanwhile."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        if number == 1:
            yield ALONE
            return
        with ThreadPoolExecutor(number, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield Threads(number, pool)
    finally:
        torch.set_num_threads(before)
