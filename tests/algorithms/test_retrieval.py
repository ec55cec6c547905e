import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms import retrieval


def oracle(queries, pool, truths, k):
    """By the definition, pair by pair in float64: mean rank and hits@k over all orders of what is equally near."""
    ranks, hits = [], []
    for query, truth in zip(queries, truths, strict=True):
        cosines = [cosine(query, other) for other in pool]
        nearer = sum(value > cosines[truth] + 1e-6 for value in cosines)
        equal = sum(abs(value - cosines[truth]) <= 1e-6 for value in cosines)
        possible = range(nearer + 1, nearer + equal + 1)
        ranks.append(sum(possible) / equal)
        hits.append(sum(rank <= k for rank in possible) / equal)
    return np.mean(ranks), np.mean(hits)


def cosine(one, other):
    one, other = (np.asarray(row, np.float64) for row in (one, other))
    lengths = np.linalg.norm(one) * np.linalg.norm(other)
    return one @ other / lengths if lengths else 0.0


@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 12), scores=st.sampled_from([1, 7, 1 << 22]))
def test_equals_the_definition(seed, k, scores):
    rng = np.random.default_rng(seed)
    dim, queries, pool = rng.integers(1, 4), rng.integers(1, 9), rng.integers(1, 12)
    # of few directions, so that many are equal; zeros too
    asked, among = (rng.integers(-1, 2, (rows, dim)).astype(np.float32) for rows in (queries, pool))
    truths = rng.integers(0, pool, queries)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retrieval, "SCORES", scores)
        judged = retrieval.judge(asked, among, truths, hits=(k,))
    mean_rank, hits = oracle(asked, among, truths, k)
    assert judged["mean_rank"] == pytest.approx(mean_rank)
    assert judged[f"hits@{k}"] == pytest.approx(hits)
    assert (judged["queries"], judged["pool"]) == (queries, pool)


def test_by_hand():
    pool = np.array([[1, 0], [0, 1], [1, 1], [2, 2]], np.float32)
    found = retrieval.places(np.array([[3, 0], [1, 0.9], [-1, 0]], np.float32), pool, np.array([0, 2, 0]))
    assert found.nearer.tolist() == [0, 0, 3]
    assert found.equal.tolist() == [0, 1, 0]  # length does not count: [2, 2] is as near as [1, 1]
    assert found.ranks.tolist() == [1, 1.5, 4]
    assert found.hits(1) == pytest.approx((1 + 0.5 + 0) / 3)
    assert found.hits(4) == 1


@pytest.mark.parametrize("one_place", [np.zeros, np.ones])
def test_everything_in_one_place_finds_as_much_as_chance(one_place):
    vectors = one_place((100, 8)).astype(np.float32)
    judged = retrieval.judge(vectors, vectors, np.arange(100))
    assert judged["mean_rank"] == 50.5
    assert [judged[f"hits@{k}"] for k in retrieval.HITS] == pytest.approx([0.01, 0.1, 0.2])


def test_equal_rows_are_equally_near_wherever_they_stand():
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((5, 300)).astype(np.float32)
    pool = np.concatenate([np.repeat(rows[:1], 999, axis=0), rows])
    queries = (rows[:1] + 0.1 * rng.standard_normal((50, 300))).astype(np.float32)
    found = retrieval.places(queries, pool, np.zeros(50, np.int64))
    assert (found.nearer == 0).all()
    assert (found.equal == 999).all()


def test_length_and_scale_do_not_count():
    rng = np.random.default_rng(2)
    queries, pool = (rng.standard_normal((rows, 16)).astype(np.float32) for rows in (40, 60))
    lengths = rng.uniform(0.1, 10, (60, 1)).astype(np.float32)
    truths = np.arange(40)
    before, after = (retrieval.judge(queries, rows, truths) for rows in (pool, pool * lengths))
    assert before == after
    assert json.loads(json.dumps(before)) == before  # plain numbers, none of numpy's
