"""One update of the classifier: the examples in chunks, through the threads, on tables that are trained in place.

Knows arrays and threads; not where the examples come from.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from algorithms.kernels import huffman
from algorithms.kernels.renumbering import renumbered
from algorithms.kernels.rng import seeded
from algorithms.kernels.rows import in_place, packed, stride_of, unpacked
from algorithms.kernels.sampling import alias_table, noise_distribution
from algorithms.protocol import Span
from algorithms.state import Partial, State
from algorithms.text_classification import kernels
from data.examples import Batch

if TYPE_CHECKING:
    from algorithms.text_classification.algorithm import TextClassification

MAX_CHUNK = 1 << 13  # examples a thread takes at a time: some milliseconds
HOT = 128  # rows, of the most frequent words, that each thread has its own copy of
MOST_COPIED = 1024  # labels whose outputs each thread has its own copy of


class _Chunk(NamedTuple):
    number: int
    batch: Batch
    first: int
    last: int


def train_on(
    form: "TextClassification",
    state: State,
    batches: Sequence[Batch],
    *,
    span: Span,
    threads: int,
    seed: int,
    alone: bool,
) -> Partial:
    """The state trained on `batches`. See TextClassification.update."""
    if "numbers" in state:
        numbers = np.require(state["numbers"], np.int32, "W")  # numba would compile anew for what Dask sent
        with ThreadPoolExecutor(threads) as pool:
            shorter = pool.map(lambda each: renumbered(each.stream, each.offsets, numbers), batches or [_NO_EXAMPLES])
            batches = [Batch(*each) for each in shorter]
    tables = [cast(NDArray[np.float32], state[name]) for name in ("inputs", "outputs")]
    inputs, outputs = (in_place(table) if alone else packed(table) for table in tables)
    counts = cast(NDArray[np.int64], state["label_counts"])
    paths = huffman.paths(huffman.tree(counts)) if form.loss == "hs" else huffman.NO_PATHS
    alias = alias_table(noise_distribution(counts))
    loss = kernels.LOSSES[form.loss]
    stride = stride_of(form.vector_dim)

    total = max(1, sum(batch.size for batch in batches))
    chunks = list(_chunks(batches, threads)) or [_Chunk(0, _NO_EXAMPLES, 0, 0)]  # compiles the kernel all the same
    consumed: list[int] = []  # appended to by all threads; the schedule needs no more than a rough sum
    tally = np.zeros((threads, 8), np.float64)  # a cache line each: threads must not share one

    hot = min(HOT, len(tables[0])) if threads > 1 else 0
    copied = hot + (len(tables[1]) if threads > 1 and len(tables[1]) <= MOST_COPIED else 0)

    def work(thread: int) -> None:
        own, before = (packed(np.zeros((copied, form.vector_dim), np.float32)) for _ in range(2))
        shift = (own.ctypes.data - inputs.ctypes.data) // inputs.itemsize
        for number, batch, first, last in chunks[thread::threads]:
            progress = span.start + (span.stop - span.start) * sum(consumed) / total
            kernels.train(
                inputs, outputs, stride, hot, shift, own, before, batch.stream, batch.offsets, first, last, loss, alias,
                form.negative_samples,
                paths.starts, paths.nodes, paths.turns, np.float32(form.learning_rate_at(progress)),
                seeded(seed, number), tally[thread],
            )  # fmt: skip
            consumed.append(last - first)

    if threads == 1:
        work(0)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(threads)))

    trained = dict(state)
    for name, flat, table in (("inputs", inputs, tables[0]), ("outputs", outputs, tables[1])):
        trained[name] = unpacked(flat, 0, len(table), dim=form.vector_dim)
    return Partial(
        state=trained,
        weight={} if alone else _evidence(batches, len(tables[0])),
        loss=float(tally[:, 0].sum()),
        examples=int(tally[:, 1].sum()),
        words=int(tally[:, 3].sum()),
    )


_NO_EXAMPLES = Batch(np.zeros(0, np.int32), np.zeros(1, np.int64))


def _chunks(batches: Sequence[Batch], threads: int) -> Iterator[_Chunk]:
    """Cut the batches so that each thread gets many pieces, also of a few examples."""
    total = sum(batch.size for batch in batches)
    size = int(np.clip(total // (16 * threads), 1, MAX_CHUNK))
    number = 0
    for batch in batches:
        for first in range(0, batch.size, size):
            yield _Chunk(number, batch, first, min(first + size, batch.size))
            number += 1


def _evidence(batches: Sequence[Batch], rows: int) -> State:
    """How often each row of inputs was trained, and the outputs as a whole: the weights that `merge` needs."""
    seen = np.zeros(rows, np.int64)
    for batch in batches:
        kernels.count_rows(batch.stream, batch.offsets, seen)
    return {"inputs": seen.astype(np.float64), "outputs": np.array([float(sum(batch.size for batch in batches))])}
