import numpy as np
import pytest

from algorithms.topics.algorithm import Topics
from algorithms.topics.initial import initial
from tests.algorithms.topics.documents import InMemory, planted

CORPUS = InMemory(planted(40))  # 24 words
ENCODER = {"encoder_0": (24, 9), "encoder_0_bias": (9,), "encoder_1": (9, 6), "encoder_1_bias": (6,)}
POSTERIOR = {"posterior": (6, 6), "posterior_bias": (6,), "decoder_bias": (24,)}
PLAIN = {"decoder": (3, 24)}
EMBEDDED = {"topics": (3, 7), "words": (24, 7)}
POSTERIOR_MOMENTS = {"posterior_mean": (6,), "posterior_variance": (6,)}
DECODER_MOMENTS = {"decoder_mean": (24,), "decoder_variance": (24,)}
LAYERS_MOMENTS = {f"encoder_{n}_{of}": (units,) for n, units in ((0, 9), (1, 6)) for of in ("mean", "variance")}
CASES = [
    ({"decoder": "ntm"}, ENCODER | POSTERIOR | PLAIN, {}),
    ({"decoder": "ntm", "batch_norm": True}, ENCODER | POSTERIOR | PLAIN, LAYERS_MOMENTS),
    ({"decoder": "prodlda"}, ENCODER | POSTERIOR | PLAIN, POSTERIOR_MOMENTS | DECODER_MOMENTS),
    ({"decoder": "etm"}, ENCODER | POSTERIOR | EMBEDDED, POSTERIOR_MOMENTS),
]
SLOTS = {
    "sgd": [],
    "adam": ["means", "squares"],
    "adagrad": ["squares"],
    "adadelta": ["squares", "moves"],
    "rmsprop": ["squares"],
}


@pytest.mark.parametrize("optimizer", SLOTS)
@pytest.mark.parametrize(("settings", "parameters", "moments"), CASES)
def test_arrays_and_their_shapes(settings, parameters, moments, optimizer):
    form = Topics(num_topics=3, embedding_dim=7, optimizer=optimizer, **settings)
    state = initial(form, CORPUS, vectors=None, seed=1)
    slots = {f"{slot}.{name}": shape for name, shape in parameters.items() for slot in SLOTS[optimizer]}
    expected = parameters | moments | slots | {"losses": (2,), "steps": (1,)}
    assert {name: array.shape for name, array in state.items()} == expected
    assert {str(array.dtype) for name, array in state.items() if name != "steps"} == {"float32"}
    assert form.normalises == bool(moments)
    assert all((state[name] == name.endswith("_variance")).all() for name in moments)
    assert not any(state[name].any() for name in slots)


def test_weights_are_within_glorots_bounds():
    weights = initial(Topics(num_topics=3), CORPUS, vectors=None, seed=1)["encoder_0"]
    bound = (6 / (24 + 9)) ** 0.5
    assert 0.9 * bound < np.abs(weights).max() <= bound
    assert abs(weights.mean()) < 0.1 * bound


@pytest.mark.parametrize("decoder", ["prodlda", "etm"])
def test_words_begin_as_likely_as_they_are(decoder):
    bias = initial(Topics(num_topics=3, decoder=decoder), CORPUS, vectors=None, seed=1)["decoder_bias"]
    np.testing.assert_allclose(np.exp(bias), CORPUS.word_counts() / CORPUS.tokens, rtol=0.02)


def test_words_that_do_not_occur():
    rows = planted(40)
    rows.data[rows.indices == 5] = 0
    bias = initial(Topics(num_topics=3, decoder="etm"), InMemory(rows), vectors=None, seed=1)["decoder_bias"]
    assert np.isfinite(bias).all()
    assert bias.argmin() == 5
