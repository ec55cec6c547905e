import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from algorithms.object2vec.minibatch import FEWEST, mini_batch, pool
from algorithms.object2vec.sampling import contained, draw, keys_of, pair_keys, positive_keys
from data.pairs import Batch, Sequences
from tests.algorithms.object2vec.memory import scattered

LONGEST = (5000, 5000)
short = st.lists(st.integers(0, 3), min_size=1, max_size=3)
pairs = st.lists(st.tuples(short, short, st.integers(0, 2)), min_size=1, max_size=30)


def batch_of(rows) -> Batch:
    return Batch(
        Sequences.of(row[0] for row in rows), Sequences.of(row[1] for row in rows),
        np.array([row[2] for row in rows], np.float32),
    )  # fmt: skip


@given(pairs, st.integers(1, 5), st.integers(0, 2**32))
def test_negatives_are_never_positives(rows, rate, seed):
    batch = batch_of(rows)
    positives = {(tuple(in0), tuple(in1)) for in0, in1, label in rows if label}
    every = pool([batch], longest=LONGEST, positives=None)
    chosen = np.random.default_rng(seed).permutation(batch.size)[: 1 + seed % batch.size]
    found = mini_batch(every, chosen, negatives=rate, rng=np.random.default_rng(seed))
    count, given_labels = len(chosen), batch.labels[chosen]
    told = [
        (tuple(found.in0.sequence(i).tolist()), tuple(found.in1.sequence(j).tolist()))
        for i, j in zip(found.first, found.second, strict=True)
    ]
    assert told[:count] == [(tuple(rows[i][0]), tuple(rows[i][1])) for i in chosen]
    np.testing.assert_array_equal(found.labels[:count], given_labels)
    assert not set(told[count:]) & positives
    assert (found.labels[count:] == 0).all()
    assert len(told) - count <= rate * (given_labels != 0).sum()
    # what is encoded is there once, and used
    for side, numbers in zip(found.sides, (found.first, found.second), strict=True):
        assert len({tuple(side.sequence(i)) for i in range(side.size)}) == side.size
        assert sorted(set(numbers.tolist())) == list(range(side.size))


@given(pairs, st.integers(1, 4))
def test_keys_are_equal_where_what_is_read_is(rows, longest):
    batch = batch_of(rows)
    keys = keys_of(batch.in0, longest=longest)
    cut = [tuple(row[0][:longest]) for row in rows]
    assert [[a == b for b in keys] for a in keys] == [[a == b for b in cut] for a in cut]
    known = positive_keys([batch], longest=(longest, longest))
    both = pair_keys(keys, keys_of(batch.in1, longest=longest))
    positives = {(a, tuple(row[1][:longest])) for a, row in zip(cut, rows, strict=True) if row[2]}
    assert contained(both, known).tolist() == [
        (a, tuple(row[1][:longest])) in positives for a, row in zip(cut, rows, strict=True)
    ]


def test_keys_of_many_short_sequences_differ():
    ids = np.arange(250_000, dtype=np.int32)
    single = keys_of(Sequences(ids, np.arange(250_001)), longest=9)
    pairs = keys_of(Sequences(ids, np.arange(0, 250_001, 2)), longest=9)
    turned = keys_of(Sequences(ids[::-1].copy(), np.arange(0, 250_001, 2)), longest=9)
    assert len(np.unique(np.concatenate([single, pairs, turned]))) == 500_000
    assert len(np.unique(pair_keys(single, single[::-1]))) == 250_000


def test_as_many_as_wanted_are_drawn_with_equal_chances():
    keys = keys_of(Sequences.of([i] for i in range(20)), longest=5)
    positives = np.unique(pair_keys(keys, keys))
    drawn = draw(keys, keys, rate=3000, positives=positives, rng=np.random.default_rng(1))
    assert len(drawn.in0) == 60_000
    counts = np.bincount(drawn.in0 * 20 + drawn.in1, minlength=400).reshape(20, 20)
    assert (np.diag(counts) == 0).all()
    others = counts[~np.eye(20, dtype=bool)]
    assert abs(others / (3000 / 19) - 1).max() < 0.35


def test_positives_of_the_whole_corpus_are_known_where_a_part_is_trained():
    whole = batch_of([([1], [1], 1), ([1], [2], 1), ([2], [2], 1), ([3], [3], 1)])
    one = Batch(whole.in0.take(np.array([0, 2])), whole.in1.take(np.array([0, 2])), whole.labels[:2])
    known = positive_keys([whole], longest=LONGEST)
    every = pool([one], longest=LONGEST, positives=known)
    for seed in range(20):
        found = mini_batch(every, np.arange(2), negatives=4, rng=np.random.default_rng(seed))
        told = {
            (found.in0.sequence(i)[0], found.in1.sequence(j)[0]) for i, j in zip(found.first, found.second, strict=True)
        }
        assert (1, 2) not in told
        assert (2, 1) in told


def test_a_small_mini_batch_borrows_from_the_whole_part():
    batch = batch_of([([i], [100 + i], 1) for i in range(200)])
    every = pool([batch], longest=LONGEST, positives=None)
    seen = set()
    for seed in range(30):
        found = mini_batch(every, np.array([7]), negatives=5, rng=np.random.default_rng(seed))
        assert found.in0.size == 1
        assert len(found.labels) == 6
        seen |= {int(found.in1.sequence(j)[0]) for j in found.second[1:]}
    assert len(seen) > 60
    assert 107 not in seen
    assert FEWEST > 1


def test_pairs_with_label_0_stay_and_get_no_negatives():
    batch = scattered(50, seed=3)
    every = pool([batch], longest=LONGEST, positives=None)
    found = mini_batch(every, np.arange(50), negatives=2, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(found.labels[:50], batch.labels)
    assert len(found.labels) == 50 + 2 * int((batch.labels != 0).sum())


def test_where_nothing_else_is_there_nothing_is_drawn():
    batch = batch_of([([1], [2], 1)] * 5)
    every = pool([batch], longest=LONGEST, positives=None)
    found = mini_batch(every, np.arange(5), negatives=3, rng=np.random.default_rng(1))
    assert found.labels.tolist() == [1] * 5
    assert (found.in0.size, found.in1.size) == (1, 1)
