"""Threads that compute parts of a mini-batch side by side."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

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
def threads(number: int, *, within: int = 1) -> Iterator[Threads]:
    """So many threads. within: those that one operation of torch may use itself meanwhile.

    One is best where there are many short operations, `number` where there are few long ones.
    """
    import torch  # two seconds, and who only names an optimizer needs none

    before = torch.get_num_threads()
    torch.set_num_threads(within)
    try:
        if number == 1:
            yield ALONE
            return
        with ThreadPoolExecutor(number, initializer=torch.set_num_threads, initargs=(within,)) as pool:
            yield Threads(number, pool)
    finally:
        torch.set_num_threads(before)
