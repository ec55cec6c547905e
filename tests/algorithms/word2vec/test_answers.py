"""Word vectors that answer: the bytes that BlazingText sends, what fastText says of words, memory that is flat."""

import gc
import resource
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algorithms.answers import JSON, JSON_LINES, Neighbours, RequestError
from algorithms.word2vec import answers
from algorithms.word2vec.answers import Words
from data import fasttext
from data.errors import EmbertextError, FormatError
from data.fasttext import Args, Dictionary, Entry, LossName, ModelName
from tests import subwords
from tests.algorithms.bodies import GARBAGE, answered_or_refused

NAMES = ["</s>", "the", "awesome", "blazing", "straße", '"quoted"', "日本"]
DIM, BUCKETS, MINN, MAXN = 3, 11, 2, 4


def write(folder: Path, *, maxn: int = 0, names: list[str] = NAMES, dim: int = DIM) -> tuple[np.ndarray, Path]:
    """A model with its rows, of words and then of n-grams."""
    buckets = BUCKETS if maxn else 0
    args = Args(
        dim,
        5,
        5,
        1,
        5,
        1,
        LossName.NEGATIVE_SAMPLING,
        ModelName.SKIPGRAM,
        buckets,
        MINN if maxn else 0,
        maxn,
        100,
        1e-4,
    )
    rows = np.random.default_rng(1).normal(size=(len(names) + buckets, dim)).astype(np.float32)
    outputs = np.zeros((len(names), dim), np.float32)
    with (folder / "vectors.bin").open("wb") as file:
        fasttext.write_model(
            file, args, Dictionary([Entry(name, 5) for name in names], 70), input_blocks=[rows], input_rows=len(rows),
            output_blocks=[outputs], output_rows=len(names),
        )  # fmt: skip
    return rows, folder


@pytest.fixture
def whole(tmp_path):
    rows, folder = write(tmp_path)
    return answers.open(folder), rows


@pytest.fixture
def parts(tmp_path):
    """With subwords."""
    rows, folder = write(tmp_path, maxn=MAXN)
    return answers.open(folder), rows


def asked(model: Words, words: list[str]) -> np.ndarray:
    answer = model.answer(orjson.dumps({"instances": words}), content_type=JSON)
    found = orjson.loads(answer.body)
    assert [each["word"] for each in found] == words
    return np.array([each["vector"] for each in found], np.float32).reshape(-1, DIM)


def test_json_as_blazingtext_answers(tmp_path):
    """A list, no object; of each word its vector, then the word; an unknown one has zeros."""
    _, folder = write(tmp_path, names=["awesome", "blazing"], dim=2)
    model = answers.open(folder)
    known = b",".join(orjson.dumps(value) for value in model.table.vectors[1].tolist())
    body = b'{"instances": ["blazing", "zebra \\u0022"]}'
    answer = model.answer(body, content_type="application/json")
    first = orjson.loads(answer.body)[0]
    assert np.float32(first["vector"]).tolist() == model.table.vectors[1].tolist()
    assert known.count(b",") == 1
    assert list(first) == ["vector", "word"]
    assert answer.body.endswith(b',{"vector":[0.0,0.0],"word":"zebra \\""}]')
    assert answer.content_type == "application/json"
    assert model.answer(b'{"instances": []}', content_type=JSON) == (b"[]", JSON)


def test_lines(whole):
    model, rows = whole
    answer = model.answer(b'{"source": "the"}\n\n"blazing"\n', content_type=JSON_LINES)
    found = [orjson.loads(line) for line in answer.body.splitlines()]
    assert answer.content_type == JSON_LINES
    assert [each["word"] for each in found] == ["the", "blazing"]
    np.testing.assert_array_equal(np.float32([each["vector"] for each in found]), rows[[1, 3]])


def test_accept_is_not_read(whole):
    model, _ = whole
    for accept in ("application/jsonlines", "text/html", "*/*", ""):
        assert model.answer(b'{"instances": []}', content_type=JSON, accept=accept).content_type == JSON


def test_every_vector_is_the_files(whole):
    model, rows = whole
    np.testing.assert_array_equal(asked(model, NAMES), rows)
    np.testing.assert_array_equal(asked(model, NAMES[::-1]), rows[::-1])  # now from what is ready


def test_subwords_are_fasttexts_means(parts):
    model, rows = parts
    words = [*NAMES, "awesomes", "x", "", "日本語"]
    expected = []
    for word in words:
        buckets = subwords.ngram_buckets(word, minn=MINN, maxn=MAXN, bucket=BUCKETS)
        own = [NAMES.index(word)] if word in NAMES else []
        some = rows[own + [len(NAMES) + bucket for bucket in buckets]]
        expected.append(some.mean(axis=0) if len(some) else np.zeros(DIM))
    np.testing.assert_allclose(asked(model, words), expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(model.table.vectors, expected[: len(NAMES)], rtol=1e-5, atol=1e-7)


def test_what_is_not_kept_ready_is_the_same(parts, monkeypatch):
    model, _ = parts
    expected = asked(model, [*NAMES, "zebra"])
    monkeypatch.setattr(answers, "READY", 300)
    few = Words(model.table)
    assert len(few._ready) < len(NAMES)
    np.testing.assert_allclose(asked(few, [*NAMES, "zebra"]), expected, rtol=1e-6)


WRONG = {
    "a number": (JSON, b'{"instances": ["a", 5]}', "record 2: 5, expected a word; send"),
    "a list": (JSON, b'{"instances": [["a"]]}', "record 1: a list, expected a word; send"),
    "no source": (JSON_LINES, b'"a"\n{"word": "a"}', "line 2: an object, expected a word; send"),
    "no type": (
        "text/csv",
        b"a",
        "content-type text/csv not supported; send application/json or application/jsonlines",
    ),
}


@pytest.mark.parametrize(("kind", "body", "expected"), WRONG.values(), ids=WRONG)
def test_what_is_wrong(whole, kind, body, expected):
    with pytest.raises(RequestError) as raised:
        whole[0].answer(body, content_type=kind)
    assert str(raised.value).startswith(expected)


@pytest.mark.parametrize("kind", [JSON, JSON_LINES])
def test_garbage(kind, tmp_path_factory):
    model = answers.open(write(tmp_path_factory.mktemp("model"), maxn=MAXN)[1])

    @given(GARBAGE[kind])
    def check(body):
        answered_or_refused(model, body, kind)

    check()


@settings(max_examples=50)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_any_words_have_vectors(tmp_path_factory, words):
    model = answers.open(write(tmp_path_factory.mktemp("model"), maxn=MAXN)[1])
    assert np.isfinite(asked(model, words)).all()


def test_neighbours(whole):
    model, rows = whole
    assert isinstance(model, Neighbours)
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    best = np.argsort(-(units @ units[1]))[1:3]
    assert [each.name for each in model.neighbours(words=["the"], k=2)[0]] == [NAMES[i] for i in best]
    with pytest.raises(RequestError, match='"zebra" is not in the vocabulary'):
        model.neighbours(words=["zebra"])


def test_unknown_words_have_neighbours_where_there_are_subwords(parts):
    assert parts[0].neighbours(words=["awesomest"], k=1)[0][0].name in NAMES


def test_about(parts):
    about = parts[0].about()
    assert (about["algorithm"], about["vocabulary_size"], about["dimension"], about["subwords"]) == (
        "word2vec", len(NAMES), DIM, True,
    )  # fmt: skip
    parts[0].answer(orjson.dumps(about["example"]), content_type=JSON)


def test_words_that_are_not_utf_8(tmp_path):
    _, folder = write(tmp_path, names=["caf\udce9", "bar"])
    model = answers.open(folder)
    asked(model, ["bar"])
    assert [each.name for each in model.neighbours(words=["bar"])[0]] == ["caf�"]
    orjson.dumps(model.about())


def test_the_file_may_go(tmp_path):
    rows, folder = write(tmp_path)
    model = answers.open(folder)
    (folder / "vectors.bin").unlink()
    np.testing.assert_array_equal(asked(model, NAMES), rows)


def test_what_is_no_model(tmp_path):
    (tmp_path / "vectors.bin").write_bytes(b"nothing of the kind")
    with pytest.raises(FormatError, match=r"vectors\.bin: byte 0: magic"):
        answers.open(tmp_path)
    args = Args(2, 5, 5, 1, 5, 1, LossName.SOFTMAX, ModelName.SUPERVISED, 0, 0, 0, 100, 1e-4)
    with (tmp_path / "vectors.bin").open("wb") as file:
        fasttext.write_model(
            file, args, Dictionary([Entry("a", 1)], 1), input_blocks=[np.zeros((1, 2), np.float32)], input_rows=1,
            output_blocks=[], output_rows=0,
        )  # fmt: skip
    with pytest.raises(EmbertextError, match="a classifier, not word vectors; give the vectors"):
        answers.open(tmp_path)


@pytest.mark.parametrize("maxn", [0, 4])
def test_fasttexts_own_file(tmp_path, maxn, capfd):
    package = pytest.importorskip("fasttext", reason="the fasttext package is not installed")
    (tmp_path / "text.txt").write_text(
        "der hund und die katze\nder hund bellt die katze nicht\n" * 50, encoding="utf-8"
    )
    settings = {"minn": 2 if maxn else 0, "maxn": maxn, "bucket": 100, "dim": 5, "epoch": 2, "minCount": 1, "thread": 1}
    theirs = package.train_unsupervised(str(tmp_path / "text.txt"), verbose=0, **settings)
    theirs.save_model(str(tmp_path / "model.bin"))
    capfd.readouterr()
    model = answers.open(tmp_path)
    words = [*theirs.words, "hunde", "katzen", "unbekannt"]
    expected = [theirs.get_word_vector(word) for word in words]
    np.testing.assert_allclose(model.table.look(words), expected, atol=1e-6)
    [found] = model.neighbours(words=["hund"], k=3)
    nearest = theirs.get_nearest_neighbors("hund", k=3)
    np.testing.assert_allclose([each.similarity for each in found], [score for score, _ in nearest], atol=1e-5)


def test_memory_is_flat(tmp_path):
    """Ten thousand requests, of words that are known and of others, leave nothing behind once all is ready."""
    names = [f"w{number}" for number in range(500)]
    model = answers.open(write(tmp_path, names=names, dim=50)[1])
    bodies = [
        orjson.dumps({"instances": [f"w{(number * 7 + each) % 700}" for each in range(10)]}) for number in range(700)
    ]

    def ask(times: int) -> None:
        for _ in range(times):
            for body in bodies:
                model.answer(body, content_type=JSON)

    ask(2)
    gc.collect()
    before, objects = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, len(gc.get_objects())
    ask(14)
    gc.collect()
    assert len(gc.get_objects()) - objects < 100
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4096  # kilobytes
