import numpy as np
import pytest

from algorithms.object2vec.minibatch import order, pool, taken
from data.pairs import Sequences
from tests.algorithms.object2vec.memory import part, scattered


@pytest.mark.parametrize("width", [0, 1, 10])
@pytest.mark.parametrize(("pairs", "size"), [(1, 1), (1, 32), (100, 7), (96, 32), (97, 32)])
def test_every_pair_comes_once(pairs, size, width):
    lengths = tuple(np.random.default_rng(side).integers(1, 50, size=pairs) for side in (0, 1))
    found = [*order(lengths, size=size, bucket_width=width, rng=np.random.default_rng(1))]
    assert sorted(np.concatenate(found).tolist()) == list(range(pairs))
    sizes = [len(each) for each in found]
    assert len(sizes) == -(-pairs // size)
    assert max(sizes) <= size
    assert max(sizes) - min(sizes) <= 1
    again = [*order(lengths, size=size, bucket_width=width, rng=np.random.default_rng(2))]
    assert pairs == 1 or any((a != b).any() for a, b in zip(found, again, strict=True) if len(a) == len(b))


def test_bucketing_brings_like_lengths_together():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 51, size=4000), rng.integers(1, 51, size=4000)

    def spread(width):
        found = [*order(lengths, size=32, bucket_width=width, rng=np.random.default_rng(1))]
        return [np.median([np.ptp(side[each]) for each in found]) for side in lengths]

    assert min(spread(0)) > 40
    assert max(spread(10)) <= 10
    # mini-batches still come in any order
    means = [lengths[1][each].mean() for each in order(lengths, size=32, bucket_width=10, rng=rng)]
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.5


def test_parts_are_joined():
    batch = scattered(20, seed=1)
    whole, joined = (
        pool(batches, longest=(4, 5), positives=None)
        for batches in ([batch], [part(batch, 0, 6), part(batch, 6, 6), part(batch, 6, 20)])
    )
    np.testing.assert_array_equal(joined.pairs.labels, whole.pairs.labels)
    for ours, theirs in zip(joined.pairs[:2], whole.pairs[:2], strict=True):
        np.testing.assert_array_equal(ours.tokens, theirs.tokens)
        np.testing.assert_array_equal(ours.offsets, theirs.offsets)
    np.testing.assert_array_equal(joined.keys, whole.keys)
    assert pool([], longest=(4, 5), positives=None).pairs.size == 0


def test_sequences_are_cut():
    sequences = Sequences.of([[9], [1, 2, 3], [4], [5, 6]])
    sequences = Sequences(sequences.tokens, sequences.offsets[1:])
    found = taken(sequences, np.array([2, 0, 0]), longest=2)
    assert [found.sequence(i).tolist() for i in range(3)] == [[5, 6], [1, 2], [1, 2]]
