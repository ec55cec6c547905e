"""Against the forms of real flows: what a server keeps of a deployment is what `prefect deploy` reads from them."""

import json
from pathlib import Path

import pytest

from data.errors import EmbertextError
from tasks.backfill.parameters import check, merged, place, read

SNAPSHOTS = Path(__file__).parents[2] / "flows" / "snapshots"


def schema(name):
    return json.loads((SNAPSHOTS / f"{name}.json").read_bytes())


WORD2VEC, TOPICS, TUNE = schema("word2vec"), schema("topics"), schema("tune-word2vec")


@pytest.mark.parametrize(
    ("name", "of", "expected"),
    [
        ("seed", WORD2VEC, ("seed",)),
        ("learning_rate", WORD2VEC, ("word2vec", "learning_rate")),
        ("learning-rate", WORD2VEC, ("word2vec", "learning_rate")),
        ("word2vec.epochs", WORD2VEC, ("word2vec", "epochs")),
        ("num_topics", TOPICS, ("topics", "num_topics")),
        ("tuning.max_jobs", TUNE, ("tuning", "max_jobs")),
    ],
)
def test_where_a_name_belongs(name, of, expected):
    assert place(name, of, where="it") == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("learnin_rate", "has no parameter learnin_rate; did you mean learning_rate.*; it has .*seed"),
        ("word2vec.rate", r"has no parameter word2vec.rate.*word2vec\.learning_rate"),
        ("partition", "is what a backfill goes through; say which by --from"),
    ],
)
def test_names_that_are_none(name, message):
    with pytest.raises(EmbertextError, match=message) as caught:
        place(name, WORD2VEC, where="word2vec/word2vec")
    assert "\n" not in str(caught.value)


def test_a_field_that_two_forms_have():
    two = {
        "properties": {"a": {"$ref": "#/definitions/A"}, "b": {"allOf": [{"$ref": "#/definitions/A"}]}},
        "definitions": {"A": {"properties": {"epochs": {"type": "integer"}}}},
    }
    with pytest.raises(EmbertextError, match=r"epochs is in several forms; write a\.epochs or b\.epochs"):
        place("epochs", two, where="it")
    assert place("b.epochs", two, where="it") == ("b", "epochs")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("learning_rate", "0.05", 0.05),
        ("epochs", "3", 3),
        ("subwords", "True", True),
        ("mode", "skipgram", "skipgram"),
        ("output", "2026", "2026"),
        ("train", "s3://b/{partition}.txt", "s3://b/{partition}.txt"),
        ("epochs", "three", "three"),
        ("epochs", 4, 4),
    ],
)
def test_strings_are_read_as_the_field_wants_them(name, text, expected):
    assert read(text, place(name, WORD2VEC, where="it"), WORD2VEC) == expected


def test_a_form_is_sent_whole():
    own = {"train": "docs", "word2vec": {"mode": "skipgram", "epochs": 5}}
    given = {("word2vec", "epochs"): 7, ("word2vec", "learning_rate"): 0.1, ("seed",): 3}
    sent = {"word2vec": {"mode": "skipgram", "epochs": 7, "learning_rate": 0.1}, "seed": 3}
    assert merged(own, given, WORD2VEC) == sent
    assert own["word2vec"] == {"mode": "skipgram", "epochs": 5}
    default = WORD2VEC["properties"]["word2vec"]["default"]
    assert merged({}, given, WORD2VEC)["word2vec"] == {**default, "epochs": 7, "learning_rate": 0.1}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"word2vec": {"epochs": 0}}, "word2vec.epochs=0: 0 is less than the minimum of 1; "),
        ({"word2vec": {"epochs": "three"}}, "word2vec.epochs='three': 'three' is not of type 'integer'"),
        ({"seed": -1}, "seed=-1: .*; Start of all randomness"),
        ({"tokenizer": "mine"}, "tokenizer='mine': .* is not one of"),
    ],
)
def test_values_that_the_server_would_refuse(parameters, message):
    with pytest.raises(EmbertextError, match=message) as caught:
        check(parameters, WORD2VEC, where="word2vec/word2vec")
    assert "\n" not in str(caught.value)


def test_values_that_it_takes():
    check(
        {"seed": 1, "word2vec": {"epochs": 2}, "scheduler": {"__prefect_kind": "jinja", "template": "x"}},
        WORD2VEC,
        where="it",
    )
    with pytest.raises(EmbertextError, match=r"serve/serve: models is a required property; give it with --param"):
        check({}, schema("serve"), where="serve/serve")
