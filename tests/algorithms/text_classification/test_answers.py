"""Classifiers that answer: the shapes that BlazingText sends, the labels and probabilities that fastText tells."""

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given

from algorithms.answers import JSON, JSON_LINES, RequestError
from algorithms.text_classification import answers
from algorithms.text_classification.answers import Labeller
from data import fasttext
from data.errors import EmbertextError
from data.fasttext import Args, Dictionary, Entry, EntryType, LossName, ModelName
from tests.algorithms.bodies import GARBAGE, answered_or_refused
from tests.labels import planted_lines

WORDS = ["</s>", "hund", "katze", "brot", "käse"]
LABELS = ["__label__tiere", "__label__essen", "__label__möbel"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Labeller:
    """Words that point at their label."""
    folder = tmp_path_factory.mktemp("model")
    args = Args(3, 5, 5, 1, 5, 1, LossName.SOFTMAX, ModelName.SUPERVISED, 0, 0, 0, 100, 1e-4)
    entries = [Entry(word, 5) for word in WORDS] + [Entry(label, 5, EntryType.LABEL) for label in LABELS]
    rows = np.array([[0, 0, 0], [9, 1, 0], [9, 1, 0], [0, 9, 1], [0, 9, 1]], np.float32)
    with (folder / "model.bin").open("wb") as file:
        fasttext.write_model(
            file, args, Dictionary(entries, 25), input_blocks=[rows], input_rows=5,
            output_blocks=[np.eye(3, dtype=np.float32)], output_rows=3,
        )  # fmt: skip
    return answers.open(folder)


def asked(model: Labeller, request: Any) -> list[Any]:
    answer = model.answer(orjson.dumps(request), content_type="application/json")
    assert answer.content_type == "application/json"
    found: list[Any] = orjson.loads(answer.body)
    return found


def test_json_as_blazingtext_answers(model: Labeller) -> None:
    """One label unless k says more; the list of probabilities stands first."""
    found = asked(model, {"instances": ["hund katze hund", "brot"]})
    assert [each["label"] for each in found] == [["__label__tiere"], ["__label__essen"]]
    assert [list(each) for each in found] == [["prob", "label"]] * 2
    assert found[0]["prob"][0] == pytest.approx(np.exp(27 / 4) / np.exp([27 / 4, 3 / 4, 0]).sum(), abs=1e-4)


def test_k_holds_for_the_whole_request(model: Labeller) -> None:
    request = {"instances": ["hund", "brot käse"], "configuration": {"k": 2}}
    first, second = asked(model, request)
    assert first["label"] == ["__label__tiere", "__label__essen"]
    assert second["label"] == ["__label__essen", "__label__möbel"]
    assert first["prob"] == sorted(first["prob"], reverse=True)
    every = asked(model, request | {"configuration": {"k": 100}})
    assert [len(each["label"]) for each in every] == [3, 3]
    assert every[0]["prob"][:2] == first["prob"]


def test_lines_may_each_have_their_k(model: Labeller) -> None:
    body = '{"source": "käse", "k": 2}\r\n{"source": "hund"}\n\n{"k": 3, "source": ""}\n'.encode()
    answer = model.answer(body, content_type="application/jsonlines", accept="application/json")
    assert answer.content_type == "application/jsonlines"
    assert answer.body.endswith(b"\n")
    found = [orjson.loads(line) for line in answer.body.splitlines()]
    assert [len(each["label"]) for each in found] == [2, 1, 3]
    assert found[0]["label"][0] == "__label__essen"


def test_nothing_asked(model: Labeller) -> None:
    assert model.answer(b'{"instances": []}', content_type=JSON) == (b"[]", JSON)
    assert model.answer(b"\n", content_type=JSON_LINES) == (b"", JSON_LINES)


WRONG = {
    "a number": (JSON, b'{"instances": ["a", 5]}', 'record 2: 5, expected a sentence; send "a sentence", or on a line'),
    "no source": (JSON_LINES, b'\n{"text": "a"}', "line 2: an object, expected a sentence"),
    "k": (JSON, b'{"instances": [], "configuration": {"k": 0}}', "configuration, k: 0, expected an integer from 1 to"),
    "k of a line": (JSON_LINES, b'{"source": "a", "k": "2"}', "line 1, k: '2', expected an integer from 1 to"),
    "k of all": (JSON, b'{"instances": [], "configuration": {"k": true}}', "configuration, k: a truth value, expected"),
    "octets": ("application/octet-stream", b"", "content-type application/octet-stream not supported"),
}


@pytest.mark.parametrize(("kind", "body", "expected"), WRONG.values(), ids=WRONG)
def test_what_is_wrong(model: Labeller, kind: str, body: bytes, expected: str) -> None:
    with pytest.raises(RequestError) as raised:
        model.answer(body, content_type=kind)
    assert str(raised.value).startswith(expected)


@pytest.mark.parametrize("kind", [JSON, JSON_LINES])
def test_garbage(model: Labeller, kind: str) -> None:
    @given(GARBAGE[kind])
    def check(body: bytes) -> None:
        answered_or_refused(model, body, kind)

    check()


def test_about(model: Labeller) -> None:
    about = model.about()
    assert (about["algorithm"], about["vocabulary_size"], about["dimension"]) == ("text_classification", 5, 3)
    assert (about["labels_count"], about["labels"], about["neighbours"]) == (3, LABELS, [])
    assert len(asked(model, about["example"])) == 2


@pytest.mark.parametrize("loss", ["softmax", "hs", "ova"])
@pytest.mark.parametrize("name", ["model.bin", "model.ftz"])
def test_fasttexts_own_file(tmp_path: Path, name: str, loss: str, capfd: pytest.CaptureFixture[str]) -> None:
    package = pytest.importorskip("fasttext", reason="the fasttext package is not installed")
    lines = planted_lines(400)
    (tmp_path / "text.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    settings = {"loss": loss, "wordNgrams": 2, "bucket": 500, "dim": 8, "epoch": 3, "lr": 0.5, "minCount": 1}
    theirs = package.train_supervised(str(tmp_path / "text.txt"), verbose=0, thread=1, **settings)
    if name == "model.ftz":
        theirs.quantize(str(tmp_path / "text.txt"))
    theirs.save_model(str(tmp_path / name))
    capfd.readouterr()
    sentences = [" ".join(word for word in line.split() if "__label__" not in word) for line in lines[:30]]
    found = asked(answers.open(tmp_path), {"instances": [*sentences, "", "unbekannt"], "configuration": {"k": 2}})
    for sentence, each in zip([*sentences, "", "unbekannt"], found, strict=True):
        expected = theirs.f.predict(f"{sentence}\n", 2, 0.0, "strict")
        assert each["label"] == [label for _, label in expected]
        np.testing.assert_allclose(each["prob"], [chance for chance, _ in expected], atol=2e-5)


def test_what_is_no_classifier(tmp_path: Path) -> None:
    args = Args(2, 5, 5, 1, 5, 1, LossName.NEGATIVE_SAMPLING, ModelName.CBOW, 0, 0, 0, 100, 1e-4)
    nothing = np.zeros((1, 2), np.float32)
    with (tmp_path / "model.bin").open("wb") as file:
        fasttext.write_model(
            file, args, Dictionary([Entry("a", 1)], 1), input_blocks=[nothing], input_rows=1, output_blocks=[nothing],
            output_rows=1,
        )  # fmt: skip
    with pytest.raises(EmbertextError, match="a model of cbow, not a classifier"):
        answers.open(tmp_path)
