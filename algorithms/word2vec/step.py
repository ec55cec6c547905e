"""One update of Word2Vec: a state's arrays into the kernels' layout, through the threads, and back.

Knows arrays and threads; not where the word ids come from.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from algorithms.kernels.rng import seeded
from algorithms.kernels.rows import packed, stride_of, unpacked
from algorithms.kernels.sampling import SENTENCE_END, alias_table, keep_thresholds, noise_distribution
from algorithms.protocol import Span
from algorithms.state import Partial, State
from algorithms.word2vec import kernels

if TYPE_CHECKING:
    from algorithms.word2vec.algorithm import Word2Vec

MAX_CHUNK = 1 << 15  # ids a thread takes at a time: about 10 ms
# How much of the evidence below makes a row forget where it began, at a learning rate of START. By the quality of
# vectors that two workers learn together; three times more or less makes little difference, none makes much.
MEMORY = {"words": 300.0, "ngrams": 300.0, "outputs": 10_000.0}
START = 0.05
Chunk = tuple[int, NDArray[np.int32]]  # its number in this update, its ids
# (ids, rate, rng, seen, tally): trains on ids, in place
Kernel = Callable[[NDArray[np.int32], np.float32, NDArray[np.uint64], NDArray[np.int64], NDArray[np.float64]], None]


def train_on(
    form: "Word2Vec",
    state: State,
    batches: Sequence[NDArray[np.int32]],
    *,
    span: Span,
    threads: int,
    seed: int,
) -> Partial:
    """The state trained on `batches`, and the evidence behind its rows. See Word2Vec.update."""
    counts = cast(NDArray[np.int64], state["counts"])
    vocabulary = len(counts)
    tables = [cast(NDArray[np.float32], state[name]) for name in ("words", "ngrams") if name in state]
    inputs = packed(*tables)
    outputs = packed(cast(NDArray[np.float32], state["outputs"]), spare=1)
    kernel = _kernel(form, state, inputs, outputs)

    total = max(1, sum(batch.size for batch in batches))
    chunks = list(_chunks(batches, threads)) or [(0, np.empty(0, np.int32))]  # no text still compiles the kernel
    consumed: list[int] = []  # appended to by all threads; the schedule needs no more than a rough sum
    seen = np.zeros((threads, vocabulary), np.int64)
    tally = np.zeros((threads, 8), np.float64)  # a cache line each: threads must not share one

    def work(thread: int) -> None:
        for number, ids in chunks[thread::threads]:
            progress = span.start + (span.stop - span.start) * sum(consumed) / total
            rate = np.float32(form.learning_rate_at(progress))
            kernel(ids, rate, seeded(seed, number), seen[thread], tally[thread])
            consumed.append(ids.size)

    if threads == 1:
        work(0)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(threads)))

    trained, dim = dict(state), form.vector_dim
    trained["words"] = unpacked(inputs, 0, vocabulary, dim=dim)
    trained["outputs"] = unpacked(outputs, 0, vocabulary, dim=dim)
    if "ngrams" in state:
        trained["ngrams"] = unpacked(inputs, vocabulary, vocabulary + len(state["ngrams"]), dim=dim)
    weights = _evidence(form, state, seen.sum(axis=0))
    return Partial(
        state=trained,
        weight=weights,
        loss=float(tally[:, 0].sum()),
        examples=int(tally[:, 1].sum()),
        words=sum(int((ids != SENTENCE_END).sum()) for _, ids in chunks),
        memory={name: MEMORY[name] * START / form.learning_rate for name in weights},
    )


def _chunks(batches: Sequence[NDArray[np.int32]], threads: int) -> Iterator[Chunk]:
    """Cut the batches so that each thread gets many pieces, also of a small corpus."""
    total = sum(batch.size for batch in batches)
    size = int(np.clip(total // (16 * threads), 256, MAX_CHUNK))
    number = 0
    for batch in batches:
        for start in range(0, batch.size, size):
            yield number, batch[start : start + size]
            number += 1


def _kernel(form: "Word2Vec", state: State, inputs: NDArray[np.float32], outputs: NDArray[np.float32]) -> Kernel:
    """The mode's kernel with everything but the text bound."""
    counts = cast(NDArray[np.int64], state["counts"])
    stride = stride_of(form.vector_dim)
    negatives = min(form.negative_samples, max(1, len(counts) - 1))  # negatives differ: there are no more
    keep = keep_thresholds(counts, sampling_threshold=form.sampling_threshold)
    alias = alias_table(noise_distribution(counts))
    if form.mode == "batch_skipgram":

        def batched(ids, rate, rng, seen, tally):  # type: ignore[no-untyped-def]
            kernels.batch_skipgram(
                inputs, outputs, stride, ids, keep, alias,
                form.window_size, negatives, form.batch_size, rate, rng, seen, tally,
            )  # fmt: skip

        return batched

    train = kernels.skipgram if form.mode == "skipgram" else kernels.cbow
    starts, members = _members(state, stride)

    def paired(ids, rate, rng, seen, tally):  # type: ignore[no-untyped-def]
        train(
            inputs, outputs, stride, ids, keep, alias, starts, members,
            form.window_size, negatives, rate, rng, seen, tally,
        )  # fmt: skip

    return paired


def _members(state: State, stride: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The input rows whose mean is a word, as offsets: its own, and those of its n-grams. starts (V + 1,), rows."""
    vocabulary = len(state["counts"])
    own = np.arange(vocabulary, dtype=np.int64)
    if "ngrams" not in state:
        return np.arange(vocabulary + 1, dtype=np.int64), own * stride
    starts = cast(NDArray[np.int64], state["ngram_starts"])
    rows = np.insert(vocabulary + cast(NDArray[np.int64], state["ngram_rows"]), starts[:-1], own)
    return starts + np.arange(vocabulary + 1), rows * stride


def _evidence(form: "Word2Vec", state: State, seen: NDArray[np.int64]) -> State:
    """How often each row was trained: the weights that `merge` needs."""
    pairs = seen * float(form.window_size)
    drawn = noise_distribution(cast(NDArray[np.int64], state["counts"])) * (pairs.sum() * form.negative_samples)
    weight: State = {"words": seen.astype(np.float64), "outputs": pairs + drawn}
    if "ngrams" in state:
        words = np.repeat(np.arange(seen.size), np.diff(cast(NDArray[np.int64], state["ngram_starts"])))
        weight["ngrams"] = np.bincount(
            cast(NDArray[np.int64], state["ngram_rows"]), weights=seen[words], minlength=len(state["ngrams"])
        )
    return weight
