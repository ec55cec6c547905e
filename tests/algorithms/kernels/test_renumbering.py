import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from algorithms.kernels.renumbering import renumbered

ROWS = 6
examples = st.lists(
    st.tuples(
        st.integers(1, 9), st.lists(st.integers(0, ROWS - 1), max_size=8), st.lists(st.integers(0, 3), max_size=3)
    ),
    max_size=6,
)


def written(examples: list[tuple[int, list[int], list[int]]]) -> tuple[np.ndarray, np.ndarray]:
    """(tokens, rows, labels) as `kernels.examples` writes them."""
    streams = [[tokens, len(labels), *rows, *labels] for tokens, rows, labels in examples]
    offsets = np.cumsum([0, *map(len, streams)], dtype=np.int64)
    return np.array([number for stream in streams for number in stream], np.int32), offsets


@given(examples, st.permutations([0, 1, 2, 3, -1, -1]), st.integers(0, 3))
def test_examples_keep_the_rows_that_have_a_number(given, numbers, skipped):
    stream, offsets = written(given)
    expected = [(tokens, [numbers[row] for row in rows if numbers[row] >= 0], labels) for tokens, rows, labels in given]
    # a piece of a shard: its offsets are those of the whole stream
    found = renumbered(stream, offsets[min(skipped, len(given)) :], np.array(numbers, np.int32))
    for one, two in zip(found, written(expected[skipped:]), strict=True):
        assert one.dtype == two.dtype
        np.testing.assert_array_equal(one, two)
    assert stream.tolist() == written(given)[0].tolist()
