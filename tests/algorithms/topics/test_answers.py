"""Topics that answer: every form of a document that SageMaker takes, its answers, and what is wrong with the rest."""

from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given
from scipy import sparse

from algorithms.answers import CSV, JSON, JSON_LINES, RECORDIO, RequestError
from algorithms.model import save_state
from algorithms.topics import answers
from algorithms.topics.algorithm import Topics
from algorithms.topics.answers import Mixer
from data import recordio
from data.errors import EmbertextError
from data.record import Record, Tensor, encode
from tests.algorithms.bodies import GARBAGE, answered_or_refused
from tests.algorithms.topics.documents import InMemory, planted
from tests.data import oracle

FORM = Topics(num_topics=3, encoder_layers="5")
ROWS = planted(6, topics=3, words=12)
WORDS = [f"word{number}" for number in range(11)] + ["nodes"]
COUNTING = {"lemmatizer": "none", "vocabulary_size": 12}


def write(folder: Path, *, words: list[str] = WORDS, texts: bool = True, form: Topics = FORM) -> Path:
    folder.mkdir(exist_ok=True)
    state = form.init(InMemory(ROWS), seed=1)
    save_state(folder / "state.safetensors", state)
    manifest = {"algorithm": "topics"} | ({"counting": COUNTING} if texts else {})
    (folder / "algorithm.json").write_bytes(orjson.dumps(form.model_dump(mode="json")))
    (folder / "manifest.json").write_bytes(orjson.dumps(manifest))
    (folder / "topics.txt").write_text("word0 word1\nword4\nword8\n", encoding="utf-8")
    if words:
        (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Mixer:
    return answers.open(write(tmp_path_factory.mktemp("model")))


EXPECTED = FORM.infer(FORM.init(InMemory(ROWS), seed=1), ROWS)
DENSE = [row.tolist() for row in ROWS.toarray()]
SPARSE = [
    {"keys": ROWS.indices[i:j].tolist(), "shape": [12], "values": ROWS.data[i:j].tolist()}
    for i, j in zip(ROWS.indptr, ROWS.indptr[1:], strict=False)
]
FORMS = {
    "features": [{"features": row} for row in DENSE],
    "values": [{"data": {"features": {"values": row}}} for row in DENSE],
    "sparse": [{"data": {"features": each}} for each in SPARSE],
    "configured": [{"configuration": {}, "data": {"features": each | {"shape": [1, 12]}}} for each in SPARSE],
}
FORMS["mixed"] = [each[i] for i, each in enumerate([*FORMS.values()][:3])] + FORMS["sparse"][3:]


def weights(answer):
    assert answer.content_type == JSON
    found = orjson.loads(answer.body)
    assert list(found) == ["predictions"]
    assert all(list(each) == ["topic_weights"] for each in found["predictions"])
    return np.float32([each["topic_weights"] for each in found["predictions"]])


@pytest.mark.parametrize("instances", FORMS.values(), ids=FORMS)
def test_json(model, instances):
    answer = model.answer(orjson.dumps({"instances": instances}), content_type="application/json")
    np.testing.assert_allclose(weights(answer), EXPECTED, rtol=1e-5)


@pytest.mark.parametrize("instances", FORMS.values(), ids=FORMS)
def test_lines(model, instances):
    body = b"\n".join(map(orjson.dumps, instances))
    answer = model.answer(body, content_type="application/jsonlines")
    assert answer.content_type == "application/jsonlines"
    lines = answer.body.decode().split("\n")
    assert lines.pop() == ""
    np.testing.assert_allclose([orjson.loads(line)["topic_weights"] for line in lines], EXPECTED, rtol=1e-5)


def test_csv_is_answered_by_json(model):
    body = "\n".join(",".join(f"{value:g}" for value in row) for row in DENSE).encode()
    for content_type in ("text/csv", "text/csv; label_size=0"):
        np.testing.assert_allclose(weights(model.answer(body, content_type=content_type)), EXPECTED, rtol=1e-5)
    asked = model.answer(body, content_type="text/csv", accept="application/jsonlines")
    assert asked.content_type == JSON_LINES


@pytest.mark.parametrize("kind", ["dense", "sparse", "double", "integers"])
def test_recordio(model, kind):
    """Read by the protobuf package, as the SDK does: no features, the label topic_weights in float32."""
    rows = {"dense": ROWS.toarray(), "sparse": ROWS, "double": ROWS.astype(np.float64)}
    rows |= {"integers": ROWS.toarray().astype(np.int64)}
    answer = model.answer(oracle.sdk_frames(rows[kind]), content_type="application/x-recordio-protobuf")
    assert answer.content_type == "application/x-recordio-protobuf"
    found = [oracle.PROTOBUF.FromString(payload) for _, payload in recordio.scan(answer.body, path="")]
    assert all(not record.features and list(record.label) == ["topic_weights"] for record in found)
    assert not any(record.HasField("uid") or record.HasField("metadata") for record in found)
    values = [record.label["topic_weights"].float32_tensor.values for record in found]
    np.testing.assert_allclose(values, EXPECTED, rtol=1e-5)


def test_recordio_gives_back_who_it_is(model):
    given = [
        Record({"values": Tensor(np.float32(row))}, uid=f"u{place}", metadata="é" if place else None)
        for place, row in enumerate(DENSE)
    ]
    body = b"".join(recordio.frame(encode(record)) for record in given)
    answer = model.answer(body, content_type=RECORDIO)
    found = [oracle.from_protobuf(oracle.PROTOBUF.FromString(each)) for _, each in recordio.scan(answer.body, path="")]
    assert [(each.uid, each.metadata) for each in found] == [(each.uid, each.metadata) for each in given]
    np.testing.assert_allclose(weights(model.answer(body, content_type=RECORDIO, accept=JSON)), EXPECTED, rtol=1e-5)


@pytest.mark.parametrize("kind", [JSON_LINES, RECORDIO])
def test_portions(model, kind):
    """Bodies of lines, and of records, may be put together."""
    body = b"".join(recordio.frame(encode(Record({"values": Tensor(np.float32(row))}))) for row in DENSE)
    instances = model.decode(body, content_type=RECORDIO)
    found = [each for i in range(0, 6, 2) for each in model.predict(instances[i : i + 2])]
    np.testing.assert_allclose([each.weights for each in found], EXPECTED, rtol=1e-5)
    parts = [model.encode(found[i : i + 2], accept=kind).body for i in range(0, 6, 2)]
    assert b"".join(parts) == model.encode(found, accept=kind).body


def test_an_empty_document(model):
    """Sparse without entries: in RecordIO it has a shape and no values."""
    nothing = {"data": {"features": {"keys": [], "shape": [12], "values": []}}}
    expected = model.answer(orjson.dumps({"instances": [nothing]}), content_type=JSON)
    empty = oracle.sdk_frames(sparse.csr_matrix((1, 12), dtype=np.float32))
    assert model.answer(empty, content_type=RECORDIO, accept=JSON) == expected
    assert model.answer(b'{"instances": []}', content_type=JSON).body == b'{"predictions":[]}'


def test_texts(model):
    """Words are counted as in training: in small letters, unknown ones are nothing."""
    counts = np.zeros(12)
    counts[[0, 11]] = 1, 2
    expected = model.answer(orjson.dumps({"instances": [{"features": counts.tolist()}]}), content_type=JSON)
    text = {"text": "The Nodes, of word0; nodes!"}
    assert model.answer(orjson.dumps({"instances": [text]}), content_type=JSON) == expected
    assert model.answer(orjson.dumps(text), content_type=JSON_LINES, accept=JSON) == expected
    blank = model.answer(b'{"instances": [{"text": ""}]}', content_type=JSON)
    assert weights(blank).shape == (1, 3)


@pytest.mark.parametrize("lemmatizer", ["snowball"])
def test_texts_are_lemmatised(tmp_path, lemmatizer):
    folder = write(tmp_path / "model", words=[*WORDS[:11], "node"])
    (folder / "manifest.json").write_bytes(orjson.dumps({"counting": COUNTING | {"lemmatizer": lemmatizer}}))
    model = answers.open(folder)
    [found] = model.decode(b'{"text": "nodes, a node and does"}', content_type=JSON_LINES)
    assert found.counts.columns.tolist() == [11]
    assert found.counts.counts.tolist() == [2]


def test_counts_alone(tmp_path):
    """A model that was trained on ready counts knows no texts, and perhaps no words."""
    model = answers.open(write(tmp_path / "model", words=[], texts=False))
    with pytest.raises(RequestError, match=r"^record 1, text: this model was trained on counts, not on texts; send"):
        model.answer(b'{"instances": [{"text": "nodes"}]}', content_type=JSON)
    with pytest.raises(RequestError, match="this model has numbers for words, and no words"):
        model.neighbours(words=["nodes"])
    about = model.about()
    assert (about["texts"], about["neighbours"]) == (False, [])
    assert weights(model.answer(orjson.dumps(about["example"]), content_type=JSON)).shape == (1, 3)


def some(**features):
    return {"data": {"features": {"keys": [0], "shape": [12], "values": [1], **features}}}


WRONG = {
    "no object": ([1], "record 2: a list, expected an object; send {\"features\": [...]} with 12 counts, or {\"text\""),
    "nothing": ({}, "record 2: there are no features; send"),
    "no data": ({"data": 3}, "record 2, data.features: null, expected an object with values; send"),
    "no values": ({"data": {"features": {"keys": [1]}}}, "record 2, data.features: there are no features; send"),
    "too few": ({"features": [1, 2]}, "record 2, features: 2 numbers, the model has 12 words; send a count for each"),
    "words": ({"features": ["a"] * 12}, "record 2, features: no list of counts; send finite numbers, 0 or more"),
    "below zero": ({"features": [-1] * 12}, "record 2, features: no list of counts; send finite"),
    "null": (some(values=[None]), "record 2, data.features.values: no list of counts"),
    "deep": (some(values=[[1]]), "record 2, data.features.values: no list of counts"),
    "too large": (some(values=[1e39]), "record 2, data.features.values: no list of counts"),
    "a number": (some(values=1), "record 2, data.features.values: no list of counts"),
    "no shape": (some(shape=None), "record 2, data.features.shape: null; send [12], the words of the model"),
    "shape": (some(shape=[13]), "record 2, data.features.shape: [13]; send [12], the words of the model"),
    "beyond": (some(keys=[12]), "record 2, data.features.keys: key 12 is not one of the model's 12 words; send"),
    "before": (some(keys=[-1]), "record 2, data.features.keys: key -1 is not one of the model's 12 words"),
    "halves": (some(keys=[0.5]), "record 2, data.features.keys: no list of integers; send columns from 0 to 11"),
    "truths": (some(keys=[True]), "record 2, data.features.keys: no list of integers"),
    "huge": (some(keys=[2**63]), "record 2, data.features.keys: key 9223372036854775808 is not one of"),
    "ragged": (some(keys=[[1], 2]), "record 2, data.features.keys: no list of integers"),
    "more keys": (some(keys=[1, 2]), "record 2, data.features.keys: 2 keys for 1 values; send a key for each value"),
    "no text": ({"text": 5}, "record 2, text: 5, expected a text; send"),
}  # fmt: skip


@pytest.mark.parametrize(("record", "expected"), WRONG.values(), ids=WRONG)
def test_what_is_wrong(model, record, expected):
    body = orjson.dumps({"instances": [FORMS["features"][0], record]})
    with pytest.raises(RequestError) as raised:
        model.answer(body, content_type=JSON)
    assert str(raised.value).startswith(expected)
    assert (raised.value.status, raised.value.record) == (400, 1)
    with pytest.raises(RequestError, match=r"^line 3"):
        model.answer(b"\n" + b"\n".join(map(orjson.dumps, orjson.loads(body)["instances"])), content_type=JSON_LINES)


WRONG_BODIES = {
    "a column more": (CSV, b"1,2\n", "", "line 1: 2 numbers, the model has 12 words; send a count for each"),
    "minus": (CSV, b"0,0,0,0,0,0,0,0,0,0,0,-1\n", "", "line 1: no list of counts"),
    "another": (RECORDIO, oracle.sdk_frames(np.ones((1, 5), np.float32)), "", "record 1, features['values']: 5"),
    "another shape": (
        RECORDIO, oracle.sdk_frames(sparse.csr_matrix(np.ones((1, 5), np.float32))), "",
        "record 1, features['values'].shape: [5]; send [12]",
    ),
    "empty": (RECORDIO, recordio.frame(encode(Record())), "", "record 1, features['values']: there are no numbers"),
    "no type": ("application/octet-stream", b"", "", "content-type application/octet-stream not supported; send"),
    "no answer": (JSON, b'{"instances": []}', "text/csv", "accept text/csv not supported; ask for application/json or"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "body", "accept", "expected"), WRONG_BODIES.values(), ids=WRONG_BODIES)
def test_what_cannot_be_answered(model, kind, body, accept, expected):
    with pytest.raises(RequestError) as raised:
        model.answer(body, content_type=kind, accept=accept)
    assert str(raised.value).startswith(expected)


@pytest.mark.parametrize("kind", [JSON, JSON_LINES, CSV, RECORDIO])
def test_garbage(model, kind):
    @given(GARBAGE[kind])
    def check(body):
        answered_or_refused(model, body, kind)

    check()


@pytest.mark.parametrize("decoder", ["ntm", "prodlda", "etm"])
def test_neighbours(tmp_path, decoder):
    model = answers.open(write(tmp_path / "model", form=Topics(num_topics=3, encoder_layers="5", decoder=decoder)))
    vectors = model._vectors
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    best = np.argsort(-(units @ units[11]))[1:4]
    assert [each.name for each in model.neighbours(words=["nodes"], k=3)[0]] == [WORDS[i] for i in best]
    documents = model.neighbours(documents=["nodes nodes", "word1", "nodes"], k=2)
    assert [len(each) for each in documents] == [2, 2, 2]
    with pytest.raises(RequestError, match="documents and words at once"):
        model.neighbours(documents=["a"], words=["nodes"])


def test_about(model):
    about = model.about()
    assert (about["vocabulary_size"], about["topics_count"], about["texts"]) == (12, 3, True)
    assert about["topics"] == [["word0", "word1"], ["word4"], ["word8"]]
    assert about["neighbours"] == ["words", "vector", "positive", "documents"]
    model.answer(orjson.dumps(about["example"]), content_type=JSON)


def test_files_of_two_trainings(tmp_path):
    with pytest.raises(
        EmbertextError, match=r"^vocab\.txt: vocab\.txt has 2 words, the model 12; give the files of one"
    ):
        answers.open(write(tmp_path / "model", words=["a", "b"]))
