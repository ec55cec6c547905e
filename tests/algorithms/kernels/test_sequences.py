import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from algorithms.kernels.sequences import count, gather, identify

LISTS = st.lists(st.lists(st.integers(0, 5), max_size=4), min_size=1, max_size=12)


def stream_of(lists: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    stream = np.array([each for some in lists for each in [*some, -1]], np.int32)
    return stream, np.concatenate([[0], np.flatnonzero(stream < 0) + 1])


@given(LISTS)
def test_equal_sequences_have_equal_codes(lists):
    codes = np.empty(len(lists), np.uint64)
    identify(*stream_of(lists), codes)
    assert [[a == b for a in codes] for b in codes] == [[a == b for a in lists] for b in lists]


@given(LISTS, st.data())
def test_counting_and_gathering(lists, data):
    numbers = data.draw(st.lists(st.integers(0, len(lists) - 1), max_size=8))
    expected = [each for number in numbers for each in lists[number]]
    counts, tokens = np.zeros(6, np.int64), np.empty(len(expected), np.int32)
    count(*stream_of(lists), np.array(numbers, np.int64), counts)
    assert counts.tolist() == [expected.count(each) for each in range(6)]
    gather(*stream_of(lists), np.array(numbers, np.int64), tokens)
    assert tokens.tolist() == expected
