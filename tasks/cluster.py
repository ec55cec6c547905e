"""The one way to reach Dask: a cluster that trains the parts of a round in other processes, here or elsewhere.

With `tasks.team` the home of distributed. It speaks the protocol `algorithms.training.Cluster` and knows no algorithm.
"""

import queue
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

import dask
from distributed import Client, LocalCluster, Queue, get_worker

from algorithms.here import Here
from algorithms.protocol import Algorithm
from algorithms.state import State
from data.errors import EmbertextError
from data.process import cores, deaf_children
from tasks import dashboard
from tasks.team import Team

CONNECT_SECONDS = 20
# Dask has its workers give back memory at every chance, and each large array of each round would be paged in anew
MEMORY_STAYS = {
    f"distributed.nanny.pre-spawn-environ.{name}": 1 << 30
    for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_")
}
# What else Dask does beside, on the cores that train: to look every 10 ms at what Python runs, which is one kernel, and
# at itself and the machine every few more, took a thirtieth of the time of two workers on two cores
WATCHED_LESS = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.system-monitor.interval": "2s",
}
AHEAD = 3  # pieces of work that wait for each worker
LISTENING = 0.3  # seconds between two looks at whether the work is still wanted
PATIENCE = 300  # seconds that a worker waits for an answer; whoever should give it has died by then

_shared: ContextVar[tuple[int, LocalCluster] | None] = ContextVar("shared", default=None)

Judge = Callable[[int, Mapping[str, float]], bool]
"""Told an epoch and its metrics; whether to end the work there."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers(Protocol):
    """Whoever can be given pieces of work."""

    def each(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """`work` on each item; results in the order of the items."""


class Dask:
    """The workers of a Dask cluster; each trains with `threads` threads on shared memory.

    workers: how many of them train together; 0 for all that there are. link: Gbit/s between them, 0 for no limit.
    """

    def __init__(self, client: Client, threads: int, *, workers: int = 0, link: float = 0.0) -> None:
        self.client, self.threads, self.link = client, threads, link
        self.workers = workers or len(client.nthreads())
        self.dashboard = dashboard.address(client)
        dashboard.show(self.dashboard, workers=self.workers, scheduler=client.scheduler_info(0)["address"])

    @contextmanager
    def team(self, algorithm: Algorithm[Any, Any], state: State) -> Iterator[Team]:
        """As many of the workers as there were in the beginning; others take the place of those that are lost."""
        team = Team(self.client, algorithm, state, threads=self.threads, workers=self.workers)
        try:
            yield team
        finally:
            team.close()

    def each(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """`work` on each item, in some worker; results in their order. Only a few items are read ahead."""
        waiting: deque[Any] = deque()
        for item in items:
            waiting.append(self.client.submit(work, item, pure=False))
            if len(waiting) > AHEAD * self.workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def judged(
        self, work: Callable[[Item, Judge], Result], item: Item, judge: Judge, *, wanted: Callable[[], None]
    ) -> Result:
        """`work(item, judge)` in some worker: what it tells `judge` there is told to ours, and ours answers.

        wanted: raises when nobody waits for the work any more; then it ends at what it tells next.
        """
        name, told = uuid.uuid4().hex, queue.SimpleQueue[tuple[int, dict[str, float]]]()
        answers = Queue(name, client=self.client)
        self.client.subscribe_topic(name, lambda event: told.put(event[1]))
        future = self.client.submit(_judged, work, item, name, pure=False)
        try:
            while not future.done():
                wanted()
                with suppress(queue.Empty):
                    answers.put(judge(*told.get(timeout=LISTENING)))
            result: Result = future.result()
        except BaseException:
            with suppress(Exception):  # the cluster may be what failed
                answers.put(True)
                future.cancel()
            raise
        else:
            return result
        finally:
            with suppress(Exception):
                self.client.unsubscribe_topic(name)
                answers.close()


def _judged(work: Callable[[Item, Judge], Result], item: Item, name: str) -> Result:
    """What runs in the worker."""
    answers = Queue(name)

    def judge(epoch: int, metrics: Mapping[str, float]) -> bool:
        get_worker().log_event(name, (epoch, dict(metrics)))
        return bool(answers.get(timeout=PATIENCE))

    return work(item, judge)


@contextmanager
def connect(*, threads: int, workers: int, scheduler: str, link: float = 0.0) -> Iterator["Here | Dask"]:
    """The cluster at the address `scheduler`; else one of `workers` local processes; else this process alone.

    workers: with a scheduler, those to wait for, and the number that trains together; 0: those that there are.
    threads: of each worker; 0 for all the cores that there are, shared out among the workers. link: with a scheduler,
    Gbit/s that its workers have between them, 0 where that is no limit.
    """
    if scheduler:
        try:
            client = Client(scheduler, timeout=CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            raise EmbertextError(
                "cannot be reached", where=scheduler, remedy="is it the address of a running Dask scheduler?"
            ) from error
        with client:
            try:
                client.wait_for_workers(max(1, workers), timeout=CONNECT_SECONDS)
            except TimeoutError:
                found = len(client.nthreads())
                raise EmbertextError(
                    f"has {found} of {workers} workers" if found else "has no workers",
                    where=scheduler,
                    remedy=f"start some with: dask worker {scheduler}",
                ) from None
            yield Dask(client, threads or min(client.nthreads().values()), workers=workers, link=link)
    elif workers:
        each = threads or max(1, cores() // workers)
        with _processes(workers) as local, Client(local) as client:
            yield Dask(client, each)
    else:
        yield Here(threads or cores())


@contextmanager
def shared(*, threads: int, workers: int, scheduler: str) -> Iterator[None]:
    """One local cluster for all that connects with these settings in the block, and in none of its workers."""
    if scheduler or not workers:
        yield
        return
    with _processes(workers) as local:
        before = _shared.set((workers, local))
        try:
            yield
        finally:
            _shared.reset(before)


@contextmanager
def _processes(workers: int) -> Iterator[LocalCluster]:
    """So many of them, started now, or those of `shared`."""
    if (running := _shared.get()) and running[0] == workers:
        yield running[1]
        return
    # Ctrl-C is ours to hear: each worker would tell of it with a traceback
    with dask.config.set(MEMORY_STAYS | WATCHED_LESS), deaf_children():
        local = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=0,  # shards are memory-mapped: the disk's cache would count as a worker's memory
            dashboard_address="127.0.0.1:0",  # any port: another cluster may have the usual one
            silence_logs="ERROR",
        )
    with local:
        yield local
