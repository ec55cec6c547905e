import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from algorithms.drift.vocabulary import vocabulary_drift

COUNTED = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(1, 1000), min_size=1)


def compared(before: dict[str, int], after: dict[str, int]):
    return vocabulary_drift([*before], [*after], np.array([*before.values()]), np.array([*after.values()]))


@given(COUNTED, COUNTED)
def test_numbers_are_those_of_sets_and_of_scipy(before, after):
    found = compared(before, after)
    assert (found.before, found.after, found.common) == (len(before), len(after), len({*before} & {*after}))
    assert {word.word for word in found.born} <= {*after} - {*before}
    assert {word.word for word in found.gone} <= {*before} - {*after}
    words = [*{*before, *after}]
    p, q = ([side.get(word, 0) for word in words] for side in (before, after))
    assert found.distance == pytest.approx(jensenshannon(p, q, base=2), abs=1e-6)
    assert found.born_share == pytest.approx(sum(after[w] for w in {*after} - {*before}) / sum(after.values()))


@given(COUNTED)
def test_nothing_changed_where_nothing_did(counted):
    found = compared(counted, {word: 3 * count for word, count in counted.items()})
    assert found.distance == pytest.approx(0, abs=1e-6)
    assert not found.born + found.gone


def test_what_is_born_gone_and_moved_is_told_with_ranks_and_shares():
    found = compared({"the": 50, "war": 30, "horse": 20}, {"car": 10, "the": 50, "war": 40})
    assert [(w.word, w.rank_after, w.share_after, w.rank_before) for w in found.born] == [("car", 3, 0.1, 0)]
    assert [(w.word, w.rank_before, w.share_before, w.share_after) for w in found.gone] == [("horse", 3, 0.2, None)]
    assert [w.word for w in found.moved] == ["war"], "the one whose share changed"


def test_without_counts_there_are_words_and_no_shares():
    found = vocabulary_drift(["a", "b"], ["b", "c"])
    assert ([w.word for w in found.born], [w.word for w in found.gone]) == (["c"], ["a"])
    assert found.distance is found.born_share is None
    assert found.moved == []


def test_a_large_vocabulary_takes_no_time():
    words = [f"w{i}" for i in range(100_000)]
    counts = np.arange(100_000, 0, -1)
    start = time.perf_counter()
    vocabulary_drift(words, words[5000:] + [f"v{i}" for i in range(5000)], counts, counts)
    assert time.perf_counter() - start < 5
