"""What a round is made of, measured: the bytes that merging moves, what workers do with them, real rounds of some.

Each runs in a process of its own (`harness.alone`); `rounds` also with workers on other machines.
"""

import multiprocessing
import statistics
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algorithms.merging import merge_over
from algorithms.protocol import Span
from algorithms.state import Partial, State
from algorithms.training import parts_of, rounds_per_epoch, train_part
from benchmarks import shared_training
from benchmarks.harness import Figures, answer
from tasks import cluster

REPEATED = 4
STEPS = 50  # of small journeys, which are timed together
LARGE = 1 << 25  # bytes of a large one
ENOUGH = 20  # rounds of an epoch, for their length to be what training wants


def burden(*, folder: str, stretches: Sequence[int], seed: int) -> Figures:
    """Of rounds that are 1 / `stretches` of the corpus: what travels, and seconds of arithmetic a byte.

    The bytes are those of two workers; of more they are the same but for rows that one more might touch. Measured in a
    worker of Dask, where memory is given back sooner than elsewhere, and new memory takes time.
    """
    with cluster.connect(threads=1, workers=1, scheduler="") as where:
        return next(iter(where.each(partial(_burden, folder, seed), [stretches])))


def _burden(folder: str, seed: int, stretches: Sequence[int]) -> Figures:
    form, corpus = _text8(folder)
    found: dict[str, Figures] = {}
    base = form.init(corpus, seed=seed)
    for of in stretches:
        parts = parts_of(corpus, 0, of, workers=2)
        train = partial(train_part, form, base, span=Span(0, 1 / of), threads=1, seed=seed)
        travelled = _travelled([train(part) for part in parts], base)
        size = sum(array.nbytes for array in travelled)
        arithmetic = min(_arithmetic(train(parts[0]), travelled, base) for _ in range(REPEATED))
        found[str(of)] = {
            "words": corpus.tokens / of, "journeys": len(travelled), "size": size, "arithmetic": arithmetic / size,
        }  # fmt: skip
    return {"rounds": found}


def _travelled(partials: Sequence[Partial], base: State) -> list[NDArray[Any]]:
    """The arrays that others would be asked for, as they are when all have added to them."""
    found: list[NDArray[Any]] = []

    def total(array: NDArray[Any]) -> Callable[[], object]:
        found.append(array.copy())
        return lambda: None

    merge_over(partials, total, base=base)
    return found


def _arithmetic(own: Partial, travelled: Sequence[NDArray[Any]], base: State) -> float:
    """Seconds that a worker merges for, journeys aside: it is told what all came to."""
    answers, spent = iter(travelled), 0.0

    def total(array: NDArray[Any]) -> Callable[[], object]:
        nonlocal spent
        begun = time.perf_counter()
        array[...] = next(answers)
        spent += time.perf_counter() - begun
        return lambda: None

    begun = time.perf_counter()
    merge_over([own], total, base=base)
    return time.perf_counter() - begun - spent


def journeys(*, workers: int) -> Figures:
    """Of gloo within this machine: seconds of a step, and of each byte that is sent, received and added up."""
    distributed = _torch_distributed()
    store = distributed.TCPStore("127.0.0.1", 0, None, is_master=True, wait_for_workers=False)
    context = multiprocessing.get_context("spawn")
    told: Any = context.SimpleQueue()
    members = [
        context.Process(target=_travel, args=(rank, workers, store.port, told), daemon=True) for rank in range(workers)
    ]
    for member in members:
        member.start()
    for member in members:
        member.join()
    found = [told.get() for _ in members]
    small, large = (max(each[which] for each in found) for which in (0, 1))
    steps = 2 * (workers - 1)
    return {"step": small / steps, "handling": max(large - small, 0) / (steps / workers * LARGE)}


def _travel(rank: int, size: int, port: int, told: Any) -> None:
    import torch

    distributed = _torch_distributed()
    store = distributed.TCPStore("127.0.0.1", port, None, is_master=False)
    options = distributed.ProcessGroupGloo._Options()
    options._devices = [distributed.ProcessGroupGloo.create_device(hostname="127.0.0.1")]
    group = distributed.ProcessGroupGloo(store, rank, size, options)
    seconds: dict[int, list[float]] = {1: [], STEPS: []}
    for _ in range(REPEATED):
        for numbers, repeated in ((1, STEPS), (LARGE // 4, 1)):
            array = np.ones(numbers, np.float32)  # memory that is new, as it is in a merge
            begun = time.perf_counter()
            for _ in range(repeated):
                group.allreduce([torch.from_numpy(array)]).wait()
            seconds[repeated].append((time.perf_counter() - begun) / repeated)
    told.put((min(seconds[STEPS]), min(seconds[1])))


def _torch_distributed() -> Any:
    """A module that does not export what it documents."""
    from torch import distributed

    return distributed


def waves(*, tasks: Sequence[int]) -> Figures:
    """Seconds to give so many tasks to two workers, in turn, and hear from all.

    Two, whatever the number of tasks: more would wait for this machine's cores. What is told of 32 tasks so is no less
    than what 32 workers take.
    """
    found = {}
    with cluster.connect(threads=1, workers=2, scheduler="") as where:
        assert isinstance(where, cluster.Dask)
        addresses = list(where.client.nthreads())
        for number in tasks:
            seconds = []
            for _ in range(5 * REPEATED):
                begun = time.perf_counter()
                asked = [
                    where.client.submit(
                        _nothing, workers=[addresses[task % 2]], pure=False, key=f"nothing-{uuid.uuid4().hex}"
                    )
                    for task in range(number)
                ]
                for future in asked:
                    future.result()
                seconds.append(time.perf_counter() - begun)
            found[str(number)] = statistics.median(seconds)
    return {"waves": found}


def _nothing() -> None:
    """All that a task can leave out."""


def rounds(*, folder: str, workers: int, stretches: int, count: int, seed: int, scheduler: str = "") -> Figures:
    """Real rounds, each 1 / `stretches` of the corpus: a local cluster's, or of the workers of a scheduler."""
    form, corpus = _text8(folder)
    local = 0 if scheduler else workers
    with cluster.connect(threads=1, workers=local, scheduler=scheduler) as where:
        if isinstance(where, cluster.Dask):
            where.client.wait_for_workers(workers, timeout=60)
            where.workers = workers
        return {"rounds": list(_rounds(form, corpus, where, stretches, count, seed))}


def _rounds(form: Any, corpus: Any, where: Any, stretches: int, count: int, seed: int) -> Iterator[Figures]:
    with where.team(form, form.init(corpus, seed=seed)) as team:
        team.round([[]] * where.workers, span=Span(0, 0), seed=seed)
        for index in range(count):
            parts = parts_of(corpus, index % stretches, stretches, workers=where.workers)
            begun = time.perf_counter()
            done = team.round(parts, span=Span(index / count, (index + 1) / count), seed=seed + 1000 * index)
            seconds = time.perf_counter() - begun
            yield {
                "words": sum(share.words for share in done.shares),
                "seconds": seconds,
                "merging": done.merging,
                "shares": [share.seconds for share in done.shares],
                "lost": list(done.lost),
            }


def round_words(*, folder: str, workers: Sequence[int]) -> Figures:
    """Words of a round as training makes them, by the number of workers: of text8, and of a corpus that is large."""
    form, corpus = _text8(folder)
    state = form.init(corpus, seed=1)
    found = {}
    for number in workers:
        large = corpus
        while (rounds := rounds_per_epoch(large, state, workers=number)) < ENOUGH:
            large = large._replace(tokens=2 * large.tokens)
        short = corpus.tokens / rounds_per_epoch(corpus, state, workers=number)
        found[str(number)] = {"text8": short, "large": large.tokens / rounds}
    return {"words": found}


def _text8(folder: str) -> tuple[Any, Any]:
    """The form, five epochs of it, and the corpus that `shared_training` has prepared."""
    shared = shared_training.text8(folder, quick=False)
    return shared.form, shared.corpus


def fitted(seconds: Mapping[float, float]) -> tuple[float, float]:
    """A line through seconds by how much there was: for any amount, and for each of it."""
    slope, start = np.polyfit(list(seconds), list(seconds.values()), 1)
    return max(float(start), 0.0), max(float(slope), 0.0)


SYSTEMS: dict[str, Callable[..., Figures]] = {
    "burden": burden, "journeys": journeys, "waves": waves, "rounds": rounds, "round_words": round_words,
}  # fmt: skip

if __name__ == "__main__":
    answer(SYSTEMS)
