"""Judging a classifier as a stage: on what it has not seen, against what is counted by hand."""

import json
import logging
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from algorithms.model import load_state
from algorithms.text_classification.algorithm import TextClassification
from algorithms.text_classification.classifier import Classifier
from data.vocabulary import Vocabulary
from tasks.ingest import ingest
from tasks.text_classification.evaluate import EVALUATION, K, evaluate
from tasks.text_classification.text import prepare
from tasks.text_classification.train import LABELS, learn
from tasks.train import STATE, VOCABULARY, Machines
from tests import planted

FORM = TextClassification(vector_dim=8, epochs=3, min_count=1, buckets=1000, learning_rate=0.5)
HERE = Machines(threads=1, workers=0, scheduler="")


@pytest.fixture
def finish(tmp_path):
    """Prepare lines, train on them, judge on others: what was trained, what was judged, eval.json."""

    def finished(train: str, validation: str = "", form: TextClassification = FORM):
        sources = []
        for name, text in (("a.txt", train), ("v.txt", validation)):
            (tmp_path / name).write_text(text, encoding="utf-8")
            sources.append(ingest.fn(str(tmp_path / name)) if text else None)
        options = {"share": 0.0, "tokenizer": "auto", "machines": HERE, "work": f"{tmp_path}/work"}
        prepared = prepare.fn(*sources, form, **options)
        prepared = getattr(prepared, "data", prepared)  # of one that an earlier call made
        trained = learn.fn(prepared, form, machines=HERE, seed=1)
        evaluated = evaluate.fn(prepared, trained, form)
        assert evaluate.fn(prepared, trained, form).name == "Cached"
        return trained, evaluated, json.loads((Path(evaluated.url) / EVALUATION).read_bytes())

    return finished


def predictions(trained, lines: list[str], *, k: int) -> list[list[tuple[str, float]]]:
    """The likeliest labels of lines, by the text itself."""
    folder = Path(trained.url)
    words, labels = (Vocabulary.load(str(folder / name)) for name in (VOCABULARY, LABELS))
    classifier = Classifier.of(FORM, load_state(folder / STATE), vocabulary=words, labels=labels)
    found = classifier.predict(lines, k=k)
    return [
        [(classifier.labels[label], probability) for label, probability in zip(*each, strict=True)]
        for each in zip(found.labels, found.probabilities, strict=True)
    ]


def test_what_is_judged_is_what_one_counts_oneself(finish):
    train, unseen = planted.labelled(strays=0.3), planted.labelled(lines=300, strays=0.3, seed=8)
    trained, evaluated, told = finish(train, unseen)
    for text, metric in ((train, "train_accuracy"), (unseen, "validation_accuracy")):
        labels, lines = zip(*(line.split(" ", 1) for line in text.splitlines()), strict=True)
        likeliest = [each[0][0] for each in predictions(trained, list(lines), k=1)]
        accuracy = np.mean([one == other for one, other in zip(labels, likeliest, strict=True)])
        assert evaluated.metrics[metric] == told[metric] == pytest.approx(accuracy, abs=1e-12)
        assert 0.7 < accuracy < 1
    assert evaluated.metrics.keys() == {"train_accuracy", "validation_accuracy", "macro_f1"}
    assert (told["accuracy"], told["examples"]) == (told["validation_accuracy"], 300)
    assert told["macro_f1"] == evaluated.metrics["macro_f1"]
    # the last text that was told apart is the one to judge by
    counts = Counter(label.removeprefix("__label__") for label in labels)
    assert {row["label"]: row["support"] for row in told["classes"]} == counts
    wrong = Counter(
        (true.removeprefix("__label__"), found.removeprefix("__label__"))
        for true, found in zip(labels, likeliest, strict=True)
        if true != found
    )
    assert {(row["true"], row["predicted"]): row["count"] for row in told["confused"]} == wrong
    assert np.sum(told["confusion"]) == 300
    assert told["log_loss"] > 0


def test_mistakes_show_the_words_that_the_model_knows(finish):
    odd = "__label__fruit hammer NEW saw\n"
    _, _, told = finish(planted.labelled(), planted.labelled(lines=20) + odd)
    [mistake] = told["mistakes"]
    assert (mistake["true"], mistake["predicted"], mistake["text"]) == (["fruit"], "tool", "hammer saw")
    assert mistake["probability"] > 0.9


def test_several_labels_a_line(finish):
    lines = "".join(
        line + line.replace("__label__", "__label__any __label__", 1)
        for line in planted.labelled(lines=300).splitlines(keepends=True)
    )
    trained, evaluated, told = finish(lines, planted.labelled(lines=50).replace("__label__", "__label__any __label__"))
    found = predictions(trained, ["apple pear plum", "hammer saw"], k=3)
    assert [each[0][0] for each in found] == ["__label__fruit", "__label__tool"]
    assert evaluated.metrics["validation_accuracy"] == 1, "the likeliest is one of two"
    assert [row["recall"] for row in told["at_k"]] == [0.5, 1, 1]
    assert [row["precision"] for row in told["at_k"]] == pytest.approx([1, 1, 2 / 3])


def test_the_training_examples_are_judged_where_there_are_no_others(finish):
    _, evaluated, told = finish(planted.labelled(lines=200))
    assert evaluated.metrics == {"train_accuracy": 1, "macro_f1": 1}
    assert (told["examples"], told["accuracy"]) == (200, 1)
    assert "validation_accuracy" not in told


@pytest.mark.parametrize("loss", ["softmax", "hs", "ns", "ova"])
def test_every_loss(finish, loss):
    _, evaluated, told = finish(planted.labelled(), planted.labelled(lines=99), FORM.model_copy(update={"loss": loss}))
    assert evaluated.metrics["validation_accuracy"] == 1
    assert len(told["at_k"]) == 2


def test_many_classes(finish):
    """Too many for a matrix, and for being told all: precision and recall go to K."""
    lines = [f"__label__c{number} own{number} x\n" for number in range(120)]
    _, evaluated, told = finish("".join(lines * 8), "".join(lines), FORM.model_copy(update={"learning_rate": 2.0}))
    assert (len(told["classes"]), len(told["at_k"]), told["confusion"]) == (120, K, None)
    assert evaluated.metrics["validation_accuracy"] > 0.9


def test_examples_without_a_known_word(finish):
    """Nothing is known of them: no answer, which is a wrong one."""
    form = FORM.model_copy(update={"word_ngrams": 1, "min_count": 150})
    _, evaluated, told = finish(planted.labelled(lines=100) * 4, "__label__fruit x y z\n" * 3, form)
    assert told["examples"] == 3
    assert evaluated.metrics["validation_accuracy"] in (0, 1), "the end of a line is all that they have"


def test_it_says_what_blazingtexts_tuning_looks_for(finish, caplog):
    with caplog.at_level(logging.INFO):
        _, evaluated, _ = finish(planted.labelled(lines=400, strays=0.3), planted.labelled(lines=70, strays=0.3))
    said = [record.getMessage() for record in caplog.records]
    assert said[said.index("Number of train examples: 400") - 1] == (
        f"#train_accuracy: {evaluated.metrics['train_accuracy']:.4f}"
    )
    assert said[said.index("Number of validation examples: 70") - 1] == (
        f"#validation_accuracy: {evaluated.metrics['validation_accuracy']:.4f}"
    )


def test_another_training_is_judged_anew(finish):
    text = planted.labelled(lines=200)
    first, _, _ = finish(text)
    second, evaluated, _ = finish(text, form=FORM.model_copy(update={"epochs": 2}))
    assert first.key != second.key
    assert not evaluated.reused
