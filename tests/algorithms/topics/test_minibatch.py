import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse

from algorithms.topics.minibatch import bag, batch, by_word, parts

CPU = torch.device("cpu")
COUNTS = st.tuples(st.integers(1, 7), st.integers(1, 9)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=st.integers(0, 3).map(float))
)


@st.composite
def chosen_rows(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Counts, with rows and columns that may be empty; and some of the rows, in any order."""
    dense = draw(COUNTS)
    return dense, np.array(draw(st.lists(st.integers(0, len(dense) - 1), min_size=1, max_size=9)), np.int64)


@given(chosen_rows(), st.booleans())
def test_the_entries_are_those_of_the_chosen_rows(drawn, logarithm):
    dense, chosen = drawn
    found = batch(sparse.csr_matrix(dense), chosen, logarithm=logarithm, device=CPU)
    expected = sparse.csr_matrix(dense[chosen])
    assert found.size == len(chosen)
    np.testing.assert_array_equal(found.starts, expected.indptr[:-1])
    np.testing.assert_array_equal(found.columns, expected.indices)
    np.testing.assert_array_equal(found.counts, expected.data)
    np.testing.assert_array_equal(found.owners, expected.tocoo().row)
    np.testing.assert_array_equal(found.lengths, dense[chosen].sum(axis=1))
    np.testing.assert_allclose(found.inputs, np.log1p(expected.data) if logarithm else expected.data, rtol=1e-6)


@given(chosen_rows())
def test_the_same_entries_by_word(drawn):
    dense, chosen = drawn
    found = batch(sparse.csr_matrix(dense), chosen, logarithm=False, device=CPU)
    expected = sparse.csc_matrix(dense[chosen])
    np.testing.assert_array_equal(found.word_starts, expected.indptr[:-1])
    np.testing.assert_array_equal(found.word_owners, expected.indices)
    np.testing.assert_array_equal(found.counts[found.word_order], expected.data)


@given(chosen_rows())
def test_bags_are_products(drawn):
    dense, chosen = drawn
    found = batch(sparse.csr_matrix(dense), chosen, logarithm=False, device=CPU)
    generator = torch.Generator().manual_seed(1)
    counts = torch.from_numpy(dense[chosen])
    table, rows = (torch.randn(size, 3, generator=generator) for size in counts.shape[::-1])
    torch.testing.assert_close(bag(found.columns, table, found.starts, found.counts), counts @ table)
    torch.testing.assert_close(by_word(found, rows, found.counts), counts.T @ rows)


@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_indices_of_either_size(kind):
    """scipy has int64 where a matrix has more than 2**31 entries."""
    rows = sparse.csr_matrix(np.eye(4, dtype=np.float32))
    rows.indptr, rows.indices = rows.indptr.astype(kind), rows.indices.astype(kind)
    assert batch(rows, np.array([2, 0]), logarithm=False, device=CPU).columns.tolist() == [2, 0]


@given(st.integers(0, 1000), st.integers(1, 300))
def test_parts_are_few_and_alike(rows, size):
    found = list(parts(rows, size))
    assert [row for part in found for row in range(rows)[part]] == list(range(rows))
    assert len(found) == -(-rows // size)
    lengths = {part.stop - part.start for part in found}
    assert all(0 < length <= size for length in lengths)
    assert not lengths or max(lengths) - min(lengths) <= 1
