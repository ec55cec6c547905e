"""The cluster of this process: threads on shared memory."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from algorithms.model import write_state
from algorithms.protocol import Algorithm, Piece, Span
from algorithms.state import State, merge
from algorithms.training import Done, Share, Team, train_part

Item = TypeVar("Item")
Result = TypeVar("Result")

NAME = "this process"


class Here:
    """`threads` on shared memory. More `workers` than one mimic a cluster, one by one. Nobody else's pages show it."""

    dashboard = ""
    link = 0.0

    def __init__(self, threads: int, *, workers: int = 1) -> None:
        self.threads, self.workers = threads, workers

    def each(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """`work` on each item, one after the other."""
        return map(work, items)

    @contextmanager
    def team(self, algorithm: Algorithm[Any, Any], state: State) -> Iterator[Team]:
        """Nobody but this process."""
        yield _Alone(algorithm, state, threads=self.threads)


class _Alone:
    def __init__(self, algorithm: Algorithm[Any, Any], state: State, *, threads: int) -> None:
        self.algorithm, self.held, self.threads = algorithm, state, threads

    def round(self, parts: Sequence[Sequence[Piece]], *, span: Span, seed: int) -> Done:
        """The parts one after the other. A single one may train in place."""
        partials, shares = [], []
        for number, part in enumerate(parts):
            started = time.perf_counter()
            partial = train_part(
                self.algorithm,
                self.held,
                part,
                span=span,
                threads=self.threads,
                seed=seed + number,
                alone=len(parts) == 1,
            )
            shares.append(Share.of(partial, worker=NAME, seconds=time.perf_counter() - started))
            partials.append(partial)
        started = time.perf_counter()
        self.held = merge(partials, base=self.held).state
        return Done(tuple(shares), merging=time.perf_counter() - started)

    def state(self, names: Collection[str] = ()) -> State:
        """What is held, uncopied."""
        return {name: self.held[name] for name in names} if names else self.held

    def save(self, url: str) -> float:
        """Now: the next round may train in place."""
        started = time.perf_counter()
        write_state(url, self.held)
        return time.perf_counter() - started
