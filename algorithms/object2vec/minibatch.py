"""Mini-batches: which pairs go together, their sequences, each once, and which of these are compared.

Knows ids and labels, no weights.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from algorithms.object2vec import kernels
from algorithms.object2vec.sampling import Keys, draw, keys_of, positive_keys
from data.pairs import Batch, Sequences

Numbers = NDArray[np.int64]

FEWEST = 64  # sequences of in1 that negatives are drawn from: where a mini-batch has fewer, others come along


class Pool(NamedTuple):
    """All pairs of a part, and keys of their sequences, by which equal ones are known.

    longest: ids that are read of a sequence. positives: keys of pairs that are never drawn.
    """

    pairs: Batch
    keys: tuple[Keys, Keys]
    positives: Keys
    longest: tuple[int, int]


class MiniBatch(NamedTuple):
    """in0, in1: sequences, all different. Pair i is in0's number first[i] and in1's second[i]; labels (P,)."""

    in0: Sequences
    in1: Sequences
    first: Numbers
    second: Numbers
    labels: NDArray[np.float32]

    @property
    def sides(self) -> tuple[Sequences, Sequences]:
        """in0 and in1."""
        return self.in0, self.in1


def pool(batches: Sequence[Batch], *, longest: tuple[int, int], positives: Keys | None) -> Pool:
    """The pairs of all batches. positives: keys of all pairs that belong together; None: those of these batches."""
    pairs = batches[0] if len(batches) == 1 else _joined(batches)
    keys = keys_of(pairs.in0, longest=longest[0]), keys_of(pairs.in1, longest=longest[1])
    return Pool(pairs, keys, positive_keys([pairs], longest=longest) if positives is None else positives, longest)


def _joined(batches: Sequence[Batch]) -> Batch:
    def side(parts: list[Sequences]) -> Sequences:
        tokens = [part.tokens[part.offsets[0] : part.offsets[-1]] for part in parts]
        lengths = [part.lengths for part in parts]
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.concatenate([np.zeros(0, np.int64), *lengths]))])
        return Sequences(np.concatenate([np.zeros(0, np.int32), *tokens]), offsets)

    labels = np.concatenate([np.zeros(0, np.float32), *(batch.labels for batch in batches)])
    return Batch(side([batch.in0 for batch in batches]), side([batch.in1 for batch in batches]), labels)


def order(
    lengths: tuple[Numbers, Numbers], *, size: int, bucket_width: int, rng: np.random.Generator
) -> Iterator[Numbers]:
    """Numbers of the pairs of each mini-batch: as few of these as can be, of one size but for one pair, at most `size`.

    bucket_width: if not 0, pairs whose lengths fall into the same steps of so many ids go together; the mini-batches
    still come in any order.
    """
    pairs = len(lengths[0])
    numbers = rng.permutation(pairs)
    if bucket_width:
        in0, in1 = (each[numbers] // bucket_width for each in lengths)
        numbers = numbers[np.lexsort((in0, in1))]
    count = -(-pairs // size)
    for index in rng.permutation(count) if bucket_width else range(count):
        yield numbers[index * pairs // count : (index + 1) * pairs // count]


def mini_batch(pool: Pool, chosen: Numbers, *, negatives: int, rng: np.random.Generator) -> MiniBatch:
    """The chosen pairs, and for each of them with another label than 0 so many negatives.

    in1 of negatives are those of the mini-batch, which are encoded anyway: a negative costs a comparison. Where these
    are few, some of the whole part come along.
    """
    offered = chosen
    if negatives and len(chosen) < FEWEST:
        offered = np.concatenate([chosen, rng.integers(pool.pairs.size, size=FEWEST - len(chosen))])
    labels = pool.pairs.labels[chosen]
    keys0, keys1 = pool.keys[0][chosen], pool.keys[1][offered]
    first, second = np.arange(len(chosen)), np.arange(len(chosen))
    if negatives:
        positive = np.flatnonzero(labels != 0)
        drawn = draw(keys0[positive], keys1, rate=negatives, positives=pool.positives, rng=rng)
        first = np.concatenate([first, positive[drawn.in0]])
        second = np.concatenate([second, drawn.in1])
        labels = np.concatenate([labels, np.zeros(len(drawn.in0), np.float32)])
    used, second = np.unique(second, return_inverse=True)  # of those that came along only who is needed
    _, once0, number0 = np.unique(keys0, return_index=True, return_inverse=True)
    _, once1, number1 = np.unique(keys1[used], return_index=True, return_inverse=True)
    return MiniBatch(
        taken(pool.pairs.in0, chosen[once0], longest=pool.longest[0]),
        taken(pool.pairs.in1, offered[used[once1]], longest=pool.longest[1]),
        number0[first],
        number1[second],
        labels,
    )


def distinct(batch: Batch, chosen: Numbers, *, longest: tuple[int, int]) -> MiniBatch:
    """The chosen pairs as they are."""
    sides, numbers = [], []
    for side, most in zip((batch.in0, batch.in1), longest, strict=True):
        part = taken(side, chosen, longest=most)
        _, once, number = np.unique(keys_of(part, longest=most), return_index=True, return_inverse=True)
        sides.append(part.take(once))
        numbers.append(number)
    return MiniBatch(sides[0], sides[1], numbers[0], numbers[1], batch.labels[chosen])


def taken(sequences: Sequences, chosen: Numbers, *, longest: int) -> Sequences:
    """The chosen sequences, each cut after `longest` ids."""
    lengths = np.minimum(sequences.offsets[chosen + 1] - sequences.offsets[chosen], longest)
    starts = np.zeros(len(chosen) + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    ids = np.empty(starts[-1], np.int32)
    kernels.take(sequences.tokens, sequences.offsets, chosen, starts, ids)
    return Sequences(ids, starts)
