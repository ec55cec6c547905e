"""The encoder in numpy against the one in torch."""

import itertools

import numpy as np
import pytest
from scipy import sparse

from algorithms.topics.algorithm import Topics
from algorithms.topics.mixtures import ACTIVATIONS, Counts, Mixtures
from tests.algorithms.topics.documents import InMemory, scattered

ROWS = scattered(12, 40)
CASES = [*itertools.product(["ntm", "prodlda", "etm"], [False, True], ["sigmoid"])]
CASES += [("ntm", True, name) for name in ACTIVATIONS]


def counted(rows: sparse.csr_matrix) -> list[Counts]:
    ends = zip(rows.indptr, rows.indptr[1:], strict=False)
    return [Counts(rows.indices[i:j].astype(np.int64), rows.data[i:j]) for i, j in ends]


@pytest.mark.parametrize(("decoder", "batch_norm", "activation"), CASES)
def test_as_inference(decoder, batch_norm, activation):
    form = Topics(
        num_topics=5, decoder=decoder, batch_norm=batch_norm, encoder_layers="7,6", encoder_layers_activation=activation
    )
    state = form.init(InMemory(ROWS), seed=1)
    rng = np.random.default_rng(2)
    for name, array in state.items():
        if name.startswith(("encoder", "posterior")):
            noise = rng.normal(size=array.shape).astype(np.float32)
            state[name] = np.abs(noise) if name.endswith("_variance") else noise * 2
    rows = sparse.vstack([ROWS, sparse.csr_matrix((1, 40), dtype=np.float32), ROWS[:1] * 100]).tocsr()
    found = Mixtures(form, state).of(counted(rows))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, form.infer(state, rows), rtol=2e-4, atol=2e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


def test_no_documents():
    form = Topics(num_topics=5)
    assert Mixtures(form, form.init(InMemory(ROWS), seed=1)).of([]).shape == (0, 5)
