"""An Object2Vec that answers: SageMaker's shapes, the numbers of the network in torch, what is wrong with a record."""

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given

from algorithms.answers import JSON, JSON_LINES, Neighbours, RequestError
from algorithms.object2vec.algorithm import Object2Vec
from algorithms.object2vec.answers import Comparer
from algorithms.object2vec.matcher import Matcher, weights
from algorithms.object2vec.pairing import Pairing
from data.pairs import Pairs, Shards
from tests.algorithms.bodies import GARBAGE, answered_or_refused

IDS = {"cat": 1, "dog": 2, "!": 3, "bird": 4, "late": 90}
SIZE = 6
PAIRS: list[dict[str, Any]] = [
    {"in0": [1, 2, 3], "in1": [4]}, {"in0": [5], "in1": [0, 1, 1, 2]}, {"in0": [2, 2, 2, 2, 2], "in1": [3, 4]},
]  # fmt: skip
SMALL = {"enc0_network": "pooled_embedding", "enc_dim": 4, "mlp_dim": 5, "mlp_layers": 1}
FORMS = {
    "plain": {},
    "no layers": {"mlp_layers": 0},
    "cosine": {"comparator_list": "cosine", "mlp_layers": 0},
    "all": {"comparator_list": "cosine, hadamard, abs_diff, concat", "mlp_activation": "tanh", "mlp_layers": 3},
    "relu": {"mlp_activation": "relu", "mlp_layers": 2, "num_classes": 3},
    "regression": {"output_layer": "mean_squared_error"},
    "tied": {"tied_encoders": True},
    "hcnn": {"enc0_network": "hcnn", "enc1_network": "pooled_embedding"},
    "bilstm": {"enc0_network": "bilstm", "enc0_token_embedding_dim": 5},
}


def made(pairing: Pairing = Pairing(), ids: dict[str, int] = IDS, **settings: Any) -> tuple[Comparer, Matcher]:  # noqa: B008
    form = Object2Vec(**{**SMALL, **settings})
    state = weights(form.init(Pairs(None, (SIZE, SIZE), (5, 5), Shards(["none"], [1], 2)), seed=1))
    rng = np.random.default_rng(3)
    state = {
        name: rng.normal(size=array.shape).astype(np.float32) if array.dtype.kind == "f" else array
        for name, array in state.items()
    }
    matcher = Matcher(form, state, ids=(ids, ids), pairing=pairing)
    return Comparer(matcher), matcher


@pytest.fixture(scope="module")
def model() -> Comparer:
    return made()[0]


def asked(model: Comparer, instances: list[Any], content_type: str = "application/json") -> list[dict[str, Any]]:
    answer = model.answer(orjson.dumps({"instances": instances}), content_type=content_type)
    assert answer.content_type == "application/json"
    found = orjson.loads(answer.body)
    assert list(found) == ["predictions"]
    predictions: list[dict[str, Any]] = found["predictions"]
    return predictions


@pytest.mark.parametrize("settings", FORMS.values(), ids=FORMS)
def test_as_the_network_in_torch(settings):
    model, matcher = made(**settings)
    found = asked(model, PAIRS)
    assert all(list(each) == ["scores"] for each in found)
    expected = matcher.scores(*([pair[side] for pair in PAIRS] for side in ("in0", "in1")))
    np.testing.assert_allclose([each["scores"] for each in found], expected, rtol=1e-4, atol=1e-6)
    for number, side in enumerate(("in0", "in1")):
        alone = asked(model, [{side: pair[side]} for pair in PAIRS])
        assert all(list(each) == ["embeddings"] for each in alone)
        encodings = matcher.embeddings([pair[side] for pair in PAIRS], side=number)
        np.testing.assert_allclose([each["embeddings"] for each in alone], encodings, rtol=1e-4, atol=1e-6)


def test_one_number_of_a_regression():
    [found, *_] = asked(made(output_layer="mean_squared_error")[0], PAIRS)
    assert len(found["scores"]) == 1


def test_lines(model):
    """Each line is a request of its own: a pair, or one side."""
    body = b'{"in0": [1, 2, 3], "in1": [4]}\n\n{"in1": [4]}\r\n{"in0": [5], "in1": [0, 1, 1, 2]}'
    answer = model.answer(body, content_type="application/jsonlines")
    assert answer.content_type == "application/jsonlines"
    found = [orjson.loads(line) for line in answer.body.splitlines()]
    assert [list(each) for each in found] == [["scores"], ["embeddings"], ["scores"]]
    assert [found[0], found[2]] == asked(model, PAIRS[:2])
    asked_for = model.answer(body, content_type="application/jsonlines", accept="application/json")
    assert orjson.loads(asked_for.body) == {"predictions": found}


@pytest.mark.parametrize("settings", [{}, {"enc0_network": "hcnn"}, {"tied_encoders": True}], ids=["", "hcnn", "tied"])
def test_lengths(settings):
    """They cut, and they let through what training cut."""
    settings = settings | {"output_layer": "mean_squared_error"}  # scores that nothing flattens
    model, _ = made(**settings, enc0_max_seq_len=3, enc1_max_seq_len=3)
    long, short = {"in0": [1, 2, 3, 4, 5], "in1": [5, 4, 3, 2, 1]}, {"in0": [1, 2, 3], "in1": [5, 4, 3]}
    np.testing.assert_allclose(asked(model, [long])[0]["scores"], asked(model, [short])[0]["scores"], rtol=1e-6)
    cut = asked(model, [long], "application/json; infer_max_seqlens=2,1")
    expected = asked(model, [{"in0": [1, 2], "in1": [5]}])
    np.testing.assert_allclose(cut[0]["scores"], expected[0]["scores"], rtol=1e-6)
    whole = asked(model, [long], "application/json;infer_max_seqlens=5000,4")[0]["scores"]
    assert whole != cut[0]["scores"]
    roomy, _ = made(**settings, enc0_max_seq_len=5, enc1_max_seq_len=5)
    np.testing.assert_allclose(whole, asked(roomy, [long | {"in1": [5, 4, 3, 2]}])[0]["scores"], rtol=1e-6)


@pytest.mark.parametrize("given", ["", "5", "1,2,3", "0,5", "5,5001", "a,b", "-1,2", "²,1", "9" * 5000 + ",1"])
def test_what_is_no_length(model, given):
    with pytest.raises(
        RequestError, match=r"^content-type, infer_max_seqlens: .* expected two integers from 1 to 5000"
    ):
        model.answer(b'{"instances": []}', content_type=f"application/json; infer_max_seqlens={given}")


def test_texts_and_single_ids(model):
    """Words that are unknown, or have ids beyond the table, are 0."""
    found = asked(model, [{"in0": "Cat DOG!", "in1": "bird"}, {"in0": "zebra late", "in1": 3}])
    assert found == asked(model, [{"in0": [1, 2, 3], "in1": [4]}, {"in0": [0, 0], "in1": [3]}])
    short, _ = made(Pairing(max_words=1))
    assert asked(short, [{"in0": "cat dog"}]) == asked(model, [{"in0": [1]}])


WRONG = {
    "a list": ([1], 'record 2: a list, expected an object; send {"in0": [ids], "in1": [ids]} for a score, one of them'),
    "nothing": ({"label": 1}, "record 2: neither in0 nor in1 is there; send"),
    "empty": ({"in0": []}, "record 2, in0: an empty list, expected ids; send ids from 0 to 5"),
    "null": ({"in0": [1], "in1": None}, "record 2, in1: null, expected ids; send ids from 0 to 5"),
    "halves": ({"in0": [1.5]}, "record 2, in0: a list of other things, expected ids"),
    "truths": ({"in0": [True]}, "record 2, in0: a list of other things, expected ids"),
    "deep": ({"in0": [[1]]}, "record 2, in0: a list of other things, expected ids"),
    "too large": (
        {"in1": [1, 6]},
        "record 2, in1: vocab id 6 is not one of 0..5; send ids that were there in training",
    ),
    "huge": ({"in1": [2**64 - 1]}, "record 2, in1: vocab id 18446744073709551615 is not one of 0..5"),
    "below zero": ({"in0": -1}, "record 2, in0: vocab id -1 is not one of 0..5"),
    "no words": ({"in0": " "}, "record 2, in0: a text without words; leave it out"),
}


@pytest.mark.parametrize(("record", "expected"), WRONG.values(), ids=WRONG)
def test_what_is_wrong(model, record, expected):
    with pytest.raises(RequestError) as raised:
        asked(model, [PAIRS[0], record])
    assert str(raised.value).startswith(expected)
    assert (raised.value.status, raised.value.record) == (400, 1)


def test_what_has_no_words_knows_ids():
    model, _ = made(ids={})
    with pytest.raises(
        RequestError, match=r"^record 1, in0: a text, and the model knows ids alone; send ids from 0 to 5"
    ):
        asked(model, [{"in0": "cat"}])
    assert {each.name for each in model.neighbours(words=["3"])[0]} == {"0", "1", "2", "4", "5"}
    assert model.about()["neighbours"] == ["words", "vector", "positive"]
    assert len(asked(model, model.about()["example"]["instances"])) == 2


@pytest.mark.parametrize("kind", [JSON, JSON_LINES])
def test_garbage(model, kind):
    @given(GARBAGE[kind])
    def check(body):
        answered_or_refused(model, body, kind)

    check()


def test_neighbours(model):
    assert isinstance(model, Neighbours)
    vectors = model._forward.tables[0]
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    order = [i for i in np.argsort(-(units @ units[1])).tolist() if i in (2, 3, 4)]
    names = {number: word for word, number in IDS.items()}
    assert [each.name for each in model.neighbours(words=["cat"])[0]] == [names[i] for i in order]
    [first, _, _] = model.neighbours(documents=["cat dog", "bird !", "dog cat"], k=1)
    assert first == [("2", pytest.approx(1, abs=1e-6))]
    with pytest.raises(RequestError, match=r"^record 2, in0: a text without words"):
        model.neighbours(documents=["cat", ""])


def test_about(model):
    about = model.about()
    assert (about["algorithm"], about["dimension"], about["vocabulary_size"]) == ("object2vec", 4, SIZE)
    assert (about["classes_count"], about["texts"]) == (2, True)
    assert [list(each) for each in asked(model, about["example"]["instances"])] == [["scores"], ["embeddings"]]
