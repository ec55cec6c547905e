"""The machine's own limits, and what bounds the batch_skipgram kernel on it."""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from algorithms.counting import count_and_encode
from algorithms.kernels.rng import seeded
from algorithms.kernels.rows import packed, stride_of
from algorithms.kernels.sampling import ONE, alias_table, keep_thresholds
from algorithms.word2vec import kernels
from algorithms.word2vec.algorithm import Word2Vec
from benchmarks.harness import Figures, answer
from benchmarks.peers import MIN_COUNT, THRESHOLD, _blocks

CACHED_WORDS = 1000  # whose rows, in and out, stay within 1 MB
WORDS = 1 << 20  # trained in one timing


def sgemm(threads: int) -> float:
    """FLOP/s of a large float32 matrix product on `threads` threads."""
    from threadpoolctl import threadpool_limits

    a = np.random.default_rng(1).random((3000, 3000), np.float32)
    with threadpool_limits(threads):
        a @ a
        return 2 * 3000**3 / min(_seconds(lambda: a @ a) for _ in range(5))


def copy(threads: int) -> float:
    """Bytes/s read and written by copies far larger than the caches."""
    pairs = [(np.ones(1 << 26, np.float32), np.ones(1 << 26, np.float32)) for _ in range(threads)]

    def work(pair: tuple[NDArray[np.float32], NDArray[np.float32]]) -> None:
        np.copyto(*pair)

    with ThreadPoolExecutor(threads) as pool:
        return 2 * threads * (1 << 28) / min(_seconds(lambda: list(pool.map(work, pairs))) for _ in range(5))


def _seconds(work: object) -> float:
    begun = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - begun


def kept_words_per_second(words: int) -> float:
    """batch_skipgram on one thread over uniform random words of a vocabulary of this size, none thinned out."""
    form, counts = Word2Vec(), np.ones(words, np.int64)
    rng = np.random.default_rng(1)
    ids = rng.integers(0, words, WORDS, dtype=np.int32)
    inputs = packed(rng.random((words, form.vector_dim), np.float32) - 0.5)
    outputs = packed(np.zeros((words, form.vector_dim), np.float32), spare=1)
    keep, alias = np.full(words, ONE - 1, np.uint32), alias_table(np.full(words, 1 / words))

    def train() -> None:
        kernels.batch_skipgram(
            inputs, outputs, stride_of(form.vector_dim), ids, keep, alias, form.window_size, form.negative_samples,
            form.batch_size, np.float32(0.01), seeded(1), counts, np.zeros(3),
        )  # fmt: skip

    train()
    return WORDS / min(_seconds(train) for _ in range(5))


def limits(*, text: str, threads: int) -> Figures:
    """Peaks of the machine, the kernel's work for one word of this text, and its speed with rows in cache and not."""
    form = Word2Vec()
    with tempfile.TemporaryDirectory() as folder:
        counts = count_and_encode(_blocks(text), Path(folder), min_count=MIN_COUNT).vocabulary.counts
    kept = float((counts * (keep_thresholds(counts, sampling_threshold=THRESHOLD) / ONE)).sum() / counts.sum())
    contexts, outputs = form.window_size + 1, 1 + form.negative_samples  # the window's mean; the word and its negatives
    row = 4 * stride_of(form.vector_dim)
    return {
        "flops": sgemm(threads),
        "copy": copy(threads),
        # for each pair a dot product and two scaled additions of vector_dim floats
        "flop_per_word": kept * contexts * outputs * 6 * form.vector_dim,
        # each row read and written once a window; of the contexts one is new, the others are still in the cache
        "bytes_per_word": kept * (outputs + 1) * 2 * row,
        "in_cache": kept_words_per_second(CACHED_WORDS),
        "out_of_cache": kept_words_per_second(len(counts)),
    }


def verdict(limits: Figures) -> str:
    """What bounds the kernel: how much faster it is when no row is ever missed."""
    gain = limits["in_cache"] / limits["out_of_cache"]
    bound = "by instructions" if gain < 1.5 else "by waiting for rows"
    return (
        f"On one thread, with all rows in the cache, the kernel trains {limits['in_cache'] / 1e6:.2f} M kept words/s;"
        f" with rows all over the text's vocabulary {limits['out_of_cache'] / 1e6:.2f} M: bound {bound} ({gain:.2f}x)."
    )


if __name__ == "__main__":
    answer({"limits": limits})
