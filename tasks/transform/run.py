"""All that is to be answered, by whatever workers there are: this process's threads, or Dask's processes."""

import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Protocol, TypeVar

from prefect import task
from pydantic import BaseModel

from data import storage, streams, utf8
from data.errors import EmbertextError
from tasks.cluster import Dask, connect
from tasks.network import NETWORK
from tasks.progress import Report, log, progress
from tasks.train import Machines
from tasks.transform import earlier
from tasks.transform.answer import Fact, How, Model, Wanted, always, answer, forget
from tasks.transform.errors import write_errors
from tasks.transform.places import deliver, scratch_folder
from tasks.transform.plan import Joint, Plan, grouped
from tasks.transform.slices import SLICE

MOST_SLICES = 64  # that a worker takes at once
AHEAD = 2  # pieces of work that wait for each thread

Item = TypeVar("Item")
Result = TypeVar("Result")


class Each(Protocol):
    """Does work on each of some items, somewhere; results in the order of the items."""

    def __call__(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """As `tasks.cluster.Workers.each`."""


class Ran(BaseModel, frozen=True):
    """facts: of the slices of all files but those that were done before; rows, bytes: answered, and read, in this run.

    seconds: what that took.
    """

    facts: dict[str, Fact]
    rows: int
    bytes: int
    seconds: float

    @property
    def rows_per_second(self) -> float:
        """In this run; 0 where all was done before."""
        return self.rows / self.seconds if self.rows else 0.0


@task(name="answer", description="Answer the records, by slices of the files.", **NETWORK)
def run(plan: Plan, model: Model, how: How, *, machines: Machines) -> Ran:
    """Raises EmbertextError where a file cannot be read, or has more bad records than are allowed: errors.jsonl, in the
    output's folder, then holds those that were met. What is done stays done, and another run goes on from there.
    """
    start = time.perf_counter()
    facts, work, joints = dict(plan.done.facts), plan.work(), plan.joints()
    bad = sum(fact.errors for fact in facts.values()) + sum(each.errors for each in plan.done.files.values())
    _check(plan, how, bad, facts)
    if not (work or joints):
        return Ran(facts=facts, rows=0, bytes=0, seconds=0.0)
    log().info("%d slice(s), %s", len(work), machines)
    earlier.begin(how.output, plan.files, plan.done)
    found: list[Fact] = []
    sizes = {each.slice.key: each.slice.end - each.slice.begin for each in work}
    with progress("answer", artifact="transform-progress") as report, _workers(machines) as (each, wanted):
        act = partial(answer, model=model, how=how, wanted=wanted)
        for done in each(act, grouped(work, most_bytes=SLICE, most_slices=MOST_SLICES)):
            found += done
            facts |= {fact.key: fact for fact in done}
            bad += sum(fact.errors for fact in done)
            _check(plan, how, bad, facts)
            _tell(report, found, sizes, bad, time.perf_counter() - start)
        for _ in each(partial(put_together, output=how.output), joints):
            pass
    rows = sum(fact.rows for fact in found)
    return Ran(facts=facts, rows=rows, bytes=sum(sizes.values()), seconds=time.perf_counter() - start)


def put_together(joint: Joint, *, output: str) -> None:
    """Write a file of several slices."""
    with scratch_folder(output) as scratch:
        with (scratch / "answers").open("wb") as file:
            for url in joint.parts:
                with storage.open_read(url) as part, streams.readable(url):
                    shutil.copyfileobj(part, file, utf8.PIECE)
        deliver(scratch / "answers", joint.target)


def _check(plan: Plan, how: How, bad: int, facts: dict[str, Fact]) -> None:
    """Raise EmbertextError where there are more errors than are allowed."""
    if 0 <= how.max_errors < bad:
        first = write_errors(plan, facts)
        what = f"{bad:,} bad record(s) so far, and {how.max_errors:,} are allowed; the first is in {first}"
        remedy = "errors.jsonl there tells of all; correct them, or allow more by max_errors, -1 for any number"
        raise EmbertextError(what, where=how.output, remedy=remedy)


def _tell(report: Report, found: Sequence[Fact], sizes: dict[str, int], bad: int, seconds: float) -> None:
    rows, done = sum(fact.rows for fact in found), sum(sizes[fact.key] for fact in found)
    note = f"{rows:,} rows, {rows / seconds:,.0f} rows/s"
    report(done / max(1, sum(sizes.values())), f"{note}, {bad:,} errors" if bad else note)


@contextmanager
def _workers(machines: Machines) -> Iterator[tuple[Each, Wanted]]:
    """Whoever does the work, and what tells them whether it is still wanted."""
    with connect(**machines) as cluster:
        if isinstance(cluster, Dask):
            yield cluster.each, always
            return
        over, threads = threading.Event(), cluster.threads
        pool = ThreadPoolExecutor(threads, thread_name_prefix="answer")

        def each(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
            waiting: deque[Future[Result]] = deque()
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > AHEAD * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

        try:
            yield each, lambda: not over.is_set()
        finally:
            over.set()  # who is at work stops behind the batch
            pool.shutdown(cancel_futures=True)
            forget()
