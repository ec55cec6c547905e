"""A classifier made small: the rows that matter, and these in a few bytes each.

(Joulin et al. 2016, "FastText.zip: Compressing text classification models"; facebookresearch/fastText,
src/fasttext.cc, productquantizer.cc.) It knows matrices; not words, n-grams or files.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from algorithms.kernels import kmeans
from algorithms.kernels.rng import seeded
from data.quantized import QuantizedMatrix

DSUB = 2  # columns that share a byte
SAMPLE = 1 << 16  # rows that centroids are learnt from, about; fastText's number
ITERATIONS = 25  # of k-means, as fastText

_BLOCK = 1 << 14  # rows that are widened to float64 at a time


def keep_rows(inputs: NDArray[np.float32], *, words: int, cutoff: int, end_of_sentence: int) -> NDArray[np.int64]:
    """Which rows of inputs (R, D) a smaller model keeps: (K,) int64, ascending, K = min(R, cutoff).

    As fastText, those with the largest Euclidean norms, and in any case row `end_of_sentence` (-1: there is none).
    Ascending, they are the kept ones of the first `words` rows, then the kept buckets of n-grams.
    """
    assert cutoff > 0
    assert -1 <= end_of_sentence < words <= len(inputs), (end_of_sentence, words, len(inputs))
    if cutoff >= len(inputs):
        return np.arange(len(inputs), dtype=np.int64)
    norms = _norms(inputs)
    if end_of_sentence >= 0:
        norms[end_of_sentence] = np.inf
    # stable: of equally long rows the first ones stay, on any machine
    return np.sort(np.argsort(-norms, kind="stable")[:cutoff]).astype(np.int64)


def product_quantize(
    matrix: NDArray[np.float32],
    *,
    dsub: int = DSUB,
    qnorm: bool = True,
    threads: int = 1,
    on_progress: Callable[[float], None] | None = None,
    seed: int,
) -> QuantizedMatrix:
    """The matrix (R, D) with a byte for each `dsub` columns of a row, and with `qnorm` one for its norm.

    k-means for each sub-vector, on `threads` threads; the result depends on the seed alone. on_progress is called with
    the fraction (0..1) that is done. Other than in fastText, a direction counts by the square of its row's norm, as its
    error does in the matrix, and so does a row's chance to be in the sample.

    A matrix of up to 256 rows is kept exactly, and its file is larger than the matrix.
    """
    rows, columns = matrix.shape
    assert rows > 0
    norms = _norms(matrix)
    sample = _sample(norms, np.random.default_rng(seed))
    even = np.ones(rows, np.float32)
    weights, divisors = (norms * norms, np.where(norms > 0, norms, even)) if qnorm else (even, even)
    firsts = range(0, columns, dsub)

    def quantize(first: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        points = np.divide(matrix[:, first : first + dsub].T, divisors, order="C")
        return _quantize(points, weights, sample, seeded(seed, first))

    codes, centroids = np.empty((rows, len(firsts)), np.uint8), list[NDArray[np.float32]]()
    with ThreadPoolExecutor(threads) as pool:
        for number, (column, found) in enumerate(pool.map(quantize, firsts)):
            codes[:, number] = column
            centroids.append(found)
            if on_progress:
                on_progress((number + 1) / len(firsts))
    if not qnorm:
        return QuantizedMatrix(codes, np.concatenate(centroids), dsub)
    return QuantizedMatrix(
        codes, np.concatenate(centroids), dsub, *_quantize(norms[None], even, sample, seeded(seed, columns))
    )


def _sample(norms: NDArray[np.float32], rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The rows to learn from, and how many rows each stands for.

    Half of them evenly, half by the squares of their norms (Bachem, Lucic & Krause 2018, "Scalable k-means clustering
    via lightweight coresets"): evenly alone, most of the few long rows are missed, and the error is up to 2.7 times
    as large (2026-11, a classifier of AG News, all of its two million rows).
    """
    count, squares = len(norms), norms.astype(np.float64) ** 2
    if count <= SAMPLE:
        return np.arange(count, dtype=np.int64), np.ones(count, np.float32)
    chances = np.minimum(1, SAMPLE / 2 * (1 / count + squares / max(squares.sum(), np.finfo(np.float64).tiny)))
    rows = np.flatnonzero(rng.random(count) < chances).astype(np.int64)
    return rows, (1 / chances[rows]).astype(np.float32)


def _quantize(
    points: NDArray[np.float32],
    weights: NDArray[np.float32],
    sample: tuple[NDArray[np.int64], NDArray[np.float32]],
    rng: NDArray[np.uint64],
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Codes (R,) of points (d, R), and the centroids (256 * d,) learnt from a sample of them."""
    rows, counts = sample
    some, some_weights = np.ascontiguousarray(points[:, rows]), weights[rows] * counts
    centroids = np.ascontiguousarray(some[:, kmeans.seed(some, some_weights, rng)])
    codes, sums = np.empty(len(rows), np.uint8), np.empty((kmeans.CENTROIDS, kmeans.TALLIES + len(points)))
    for _ in range(ITERATIONS):
        kmeans.assign(some, some_weights, centroids, codes, sums)
        used = sums[:, 0] > 0  # the others stay where they are
        centroids[:, used] = (sums[used, kmeans.TALLIES :] / sums[used, :1]).T
    codes = np.empty(len(weights), np.uint8)
    kmeans.assign(points, weights, centroids, codes, sums)
    return codes, centroids.T.ravel()


def _norms(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """The Euclidean length of each row (R,), summed in float64 as fastText does."""
    norms = np.empty(len(matrix), np.float32)
    for first in range(0, len(matrix), _BLOCK):
        block = matrix[first : first + _BLOCK].astype(np.float64)
        norms[first : first + _BLOCK] = np.sqrt(np.einsum("ij,ij->i", block, block))
    return norms
