from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from algorithms.here import Here
from algorithms.model import load_state, save_state
from algorithms.protocol import Algorithm, Span
from algorithms.state import Partial, State
from algorithms.text_classification.algorithm import TextClassification
from algorithms.text_classification.classifier import Classifier
from algorithms.training import train
from data.errors import HyperparameterError
from data.examples import Examples, Shards

_: Algorithm = TextClassification()
LOSSES = ["softmax", "hs", "ns", "ova"]
LOSS = pytest.mark.parametrize("loss", LOSSES)
LARGEST = 2**31 - 1  # what fastText's file holds

# name, default, the smallest and largest values, just below and just above them (None: no bound to cross)
FIELDS: list[tuple[str, Any, Any, Any, Any, Any]] = [
    ("mode", "supervised", "supervised", "supervised", "cbow", "Supervised"),
    ("buckets", 2_000_000, 1, LARGEST, 0, LARGEST + 1),
    ("cutoff", 50_000, 0, LARGEST, -1, LARGEST + 1),
    ("early_stopping", False, True, False, 2, "maybe"),
    ("epochs", 5, 1, LARGEST, 0, LARGEST + 1),
    ("learning_rate", 0.05, 1e-300, 1e300, 0, float("inf")),
    ("loss", "softmax", "hs", "ova", "logistic", "Softmax"),
    ("min_count", 5, 0, LARGEST, -1, LARGEST + 1),
    ("min_epochs", 5, 1, LARGEST, 0, LARGEST + 1),
    ("negative_samples", 5, 1, LARGEST, 0, LARGEST + 1),
    ("patience", 4, 1, LARGEST, 0, LARGEST + 1),
    ("quantize", False, True, False, 2, "maybe"),
    ("vector_dim", 100, 1, 2048, 0, 2049),
    ("word_ngrams", 2, 1, LARGEST, 0, LARGEST + 1),
]
FIELD = pytest.mark.parametrize(
    ("name", "default", "smallest", "largest", "below", "above"), FIELDS, ids=[field[0] for field in FIELDS]
)


def test_the_table_has_every_hyperparameter() -> None:
    assert set(TextClassification.model_fields) == {field[0] for field in FIELDS}
    assert all(field.title and field.description for field in TextClassification.model_fields.values())


@FIELD
def test_bounds(name: str, default: Any, smallest: Any, largest: Any, below: Any, above: Any) -> None:
    assert getattr(TextClassification(), name) == default
    for value in (smallest, largest):
        assert getattr(TextClassification(**{name: value}), name) == value
    for value in (below, above, "x", None, [1]):
        with pytest.raises(ValidationError) as refused:
            TextClassification(**{name: value})
        assert [error["loc"] for error in refused.value.errors()] == [(name,)]


@FIELD
def test_sagemakers_strings(name: str, default: Any, smallest: Any, largest: Any, below: Any, above: Any) -> None:
    for value in (default, smallest, largest):
        assert getattr(TextClassification(**{name: str(value)}), name) == value


@pytest.mark.parametrize(("text", "value"), [("true", True), ("True", True), ("false", False), ("False", False)])
def test_booleans_as_sagemaker_writes_them(text: str, value: bool) -> None:
    assert TextClassification(early_stopping=text).early_stopping is value


def test_a_notebooks_hyperparameters() -> None:
    """As a client of SageMaker sends them: all strings (the tutorial of AWS on DBpedia)."""
    form = TextClassification(
        mode="supervised", epochs="10", min_count="2", learning_rate="0.05", vector_dim="10", early_stopping="True",
        patience="4", min_epochs="5", word_ngrams="2",
    )  # fmt: skip
    assert form == TextClassification(epochs=10, min_count=2, vector_dim=10, early_stopping=True)


@pytest.mark.parametrize("name", ["epoch", "subwords", "window_size", "evaluation", "seed", ""])
def test_unknown_hyperparameters_are_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted") as refused:
        TextClassification(**{name: 1})
    assert refused.value.errors()[0]["loc"] == (name,)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-0.05"])
def test_only_finite_positive_numbers(value: str) -> None:
    with pytest.raises(ValidationError):
        TextClassification(learning_rate=value)


def test_a_form_is_frozen_and_survives_json() -> None:
    form = TextClassification(loss="hs", epochs=3)
    with pytest.raises(ValidationError, match="frozen"):
        form.epochs = 4
    assert TextClassification.model_validate_json(form.model_dump_json()) == form
    assert hash(form) == hash(TextClassification(loss="hs", epochs=3))


CONTRADICTIONS: dict[str, tuple[Callable[[], Any], str, Any, str]] = {
    "stops before it judges": (
        lambda: TextClassification(early_stopping=True, epochs=4),
        "min_epochs",
        5,
        "min_epochs=5: early stopping would not judge before the training ends, at epochs=4;"
        " choose min_epochs <= epochs, or early_stopping=False",
    ),
    "nothing to judge by": (
        lambda: TextClassification(early_stopping=True).check_validation(False),
        "early_stopping",
        True,
        "early_stopping=True: there are no validation examples to judge by;"
        " give validation, a corpus or a share such as 10%, or choose early_stopping=False",
    ),
    "a cutoff below a table's rows": (
        lambda: TextClassification(quantize=True, cutoff=255),
        "cutoff",
        255,
        "cutoff=255: model.ftz has a table of 256 rows, and would tell fewer ones by it;"
        " choose cutoff >= 256, better some thousands, or 0 to keep all",
    ),
    "codes beyond the file's numbers": (
        lambda: TextClassification(quantize=True, cutoff=0, buckets=LARGEST),
        "cutoff",
        0,
        "cutoff=0: model.ftz cannot hold so many rows of 100 numbers; choose a smaller cutoff, such as 50000",
    ),
}


@pytest.mark.parametrize(("make", "field", "value", "message"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_settings_that_cannot_work_together(make: Callable[[], Any], field: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        make()
    error: Any = refused.value
    if isinstance(error, ValidationError):  # pydantic wraps what its validators raise
        error = error.errors()[0]["ctx"]["error"]
    assert isinstance(error, HyperparameterError)
    assert (error.field, error.value, str(error)) == (field, value, message)


def test_settings_that_play_no_part_may_be_odd() -> None:
    TextClassification(epochs=1)
    TextClassification(epochs=1, min_epochs=7, patience=9)
    TextClassification(epochs=5, early_stopping=True)
    TextClassification(cutoff=1)
    TextClassification(quantize=True, cutoff=256)
    TextClassification(loss="softmax", negative_samples=LARGEST)
    TextClassification().check_validation(False)
    TextClassification(early_stopping=True).check_validation(True)


def test_the_learning_rate_falls_to_zero() -> None:
    form = TextClassification(learning_rate=0.4)
    assert [form.learning_rate_at(progress) for progress in (0, 0.25, 0.5, 1)] == pytest.approx([0.4, 0.3, 0.2, 0])


# States -----------------------------------------------------------------------------------------------------------


def form_of(loss: str, **settings: Any) -> TextClassification:
    usual = {"vector_dim": 13, "min_count": 1, "buckets": 3000, "epochs": 5, "learning_rate": 0.5}
    return TextClassification(loss=loss, **(usual | settings))


def update(form: TextClassification, examples: Examples, state: State, *, threads: int = 1, **rest: Any) -> Partial:
    batches = [piece.read() for piece in examples.train.slices(0, examples.train.size)]
    return form.update(state, batches, threads=threads, **({"span": Span(0, 0.5), "seed": 1} | rest))


def share_right(form: TextClassification, examples: Examples, state: State, shards: Shards | None) -> float:
    """How many examples have their likeliest label."""
    classifier = Classifier.of(form, state, vocabulary=examples.vocabulary, labels=examples.labels)
    assert shards
    right = 0
    for piece in shards.slices(0, shards.size):
        batch = piece.read()
        starts, truth = batch.labels()
        found = classifier.judge(batch).labels[:, 0]
        right += sum(label in truth[starts[i] : starts[i + 1]] for i, label in enumerate(found))
    return right / shards.size


def last_state(form: TextClassification, examples: Examples, *, cluster: Here | None = None, seed: int = 1) -> State:
    return list(train(form, examples, cluster=cluster or Here(1), seed=seed))[-1].state


def test_init(planted: Examples) -> None:
    state = form_of("softmax").init(planted, seed=3)
    rows = len(planted.vocabulary) + planted.buckets.size
    assert {name: (array.dtype.name, array.shape) for name, array in state.items()} == {
        "inputs": ("float32", (rows + 1, 13)),
        "outputs": ("float32", (3, 13)),
        "buckets": ("int64", (planted.buckets.size,)),
        "label_counts": ("int64", (3,)),
    }
    inputs = state["inputs"].astype(np.float64)
    assert 0.99 / 13 < np.abs(inputs).max() <= 1 / 13
    assert (inputs[:-1] != 0).all()
    assert abs(inputs.mean()) < 0.02
    assert not inputs[-1].any()  # nobody's
    assert not state["outputs"].any()
    np.testing.assert_array_equal(state["label_counts"], planted.labels.counts)
    np.testing.assert_array_equal(state["buckets"], planted.buckets)


def test_init_depends_on_the_seed_alone(planted: Examples, monkeypatch: pytest.MonkeyPatch) -> None:
    one, again, other = (form_of("hs").init(planted, seed=seed)["inputs"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one[:-1] != other[:-1]).any()
    monkeypatch.setattr("algorithms.text_classification.algorithm.FILL", 7)  # rows a thread draws: each its own
    pieces = form_of("hs").init(planted, seed=1)["inputs"]
    assert len(np.unique(pieces[:-1, 0])) == len(pieces) - 1


@LOSS
@pytest.mark.parametrize("alone", [False, True])
def test_update_is_deterministic(loss: str, alone: bool, planted: Examples) -> None:
    form = form_of(loss)
    state = form.init(planted, seed=3)
    before = {name: array.copy() for name, array in state.items()}
    one, again, other = (
        update(form, planted, {name: array.copy() for name, array in before.items()}, seed=seed, alone=alone)
        for seed in (1, 1, 2)
    )
    assert set(one.state) == set(before)
    for name, array in before.items():
        assert one.state[name].tobytes() == again.state[name].tobytes()
        assert (one.state[name].shape, one.state[name].dtype) == (array.shape, array.dtype)
    for name in ("inputs", "outputs"):
        assert np.isfinite(one.state[name]).all()
        assert (one.state[name] != before[name]).any()
    assert one[2:] == again[2:]
    drawn = (one.state["outputs"] != other.state["outputs"]).any()
    assert drawn == (loss == "ns")  # lines of one class leave nothing else to chance
    assert one.words == planted.tokens
    assert 0 < one.loss / one.examples < 5 * np.log(2)


@LOSS
def test_an_update_that_is_not_alone_changes_nothing_but_what_it_returns(loss: str, planted: Examples) -> None:
    form = form_of(loss)
    state = form.init(planted, seed=3)
    before = {name: array.copy() for name, array in state.items()}
    done = update(form, planted, state)
    for name, array in before.items():
        np.testing.assert_array_equal(state[name], array)
    alone = update(form, planted, state, alone=True)
    for name, array in alone.state.items():
        np.testing.assert_array_equal(array, done.state[name])
        assert np.shares_memory(array, state[name])  # in place
    assert (alone.loss, alone.examples, alone.words, alone.weight) == (*done[2:5], {})


def test_evidence_counts_how_often_each_row_was_trained(planted: Examples) -> None:
    form = form_of("softmax")
    weight = update(form, planted, form.init(planted, seed=3)).weight
    rows = len(planted.vocabulary) + planted.buckets.size + 1
    counted = np.zeros(rows)
    for piece in planted.train.slices(0, planted.train.size):
        batch = piece.read()
        for example in range(batch.size):
            np.add.at(counted, batch.rows(example), 1)
    np.testing.assert_array_equal(weight["inputs"], counted)
    assert (counted[:-1] > 0).all()
    assert counted[-1] == 0
    assert weight["outputs"].tolist() == [planted.train.size]


@LOSS
def test_no_examples_change_nothing(loss: str, planted: Examples) -> None:
    form = form_of(loss)
    state = form.init(planted, seed=3)
    for threads in (1, 2):
        done = form.update(state, [], span=Span(0, 1), threads=threads, seed=1)
        for name, array in state.items():
            np.testing.assert_array_equal(done.state[name], array)
        assert done[2:5] == (0, 0, 0)
        assert not done.weight["inputs"].any()


# Training ---------------------------------------------------------------------------------------------------------


@LOSS
@pytest.mark.parametrize("cluster", [Here(1), Here(2), Here(1, workers=3)], ids=["one", "threads", "workers"])
def test_planted_classes_are_learned(loss: str, cluster: Here, planted: Examples) -> None:
    """Words that all classes share, and words that are in few lines, notwithstanding."""
    form = form_of(loss, epochs=10)
    rounds = [(done.loss, done.words) for done in train(form, planted, cluster=cluster, seed=1)]
    state = last_state(form, planted, cluster=cluster)
    assert share_right(form, planted, state, planted.train) == 1
    assert share_right(form, planted, state, planted.validation) == 1
    assert sum(words for _, words in rounds) == form.epochs * planted.tokens
    assert np.mean(rounds[-3:], axis=0)[0] < 0.5 * np.mean(rounds[:3], axis=0)[0]
    assert not state["inputs"][-1].any()  # nobody's


@LOSS
def test_several_labels_are_learned(loss: str, several: Examples) -> None:
    form = form_of(loss, epochs=20)
    state = last_state(form, several)
    assert share_right(form, several, state, several.train) > 0.99


@pytest.mark.parametrize("workers", [1, 2])
def test_one_thread_is_deterministic(workers: int, planted: Examples) -> None:
    form = form_of("ns", epochs=2)
    one, again, other = (last_state(form, planted, cluster=Here(1, workers=workers), seed=seed) for seed in (1, 1, 2))
    for name, array in one.items():
        assert array.tobytes() == again[name].tobytes()
    assert one["inputs"].tobytes() != other["inputs"].tobytes()


@LOSS
def test_one_class_wins_where_there_are_few_words(loss: str, prepare: Callable[..., Examples]) -> None:
    """Tiny sets, rows that come several times in a line, and lines without any row: numbers stay numbers."""
    lines = ["__label__a x x x x", "__label__b y", "__label__a", "__label__b z z z"]
    for min_count in (1, 5):  # the latter leaves no word
        examples = prepare(lines, min_count=min_count, word_ngrams=1)
        form = form_of(loss, epochs=20, word_ngrams=1)
        for done in train(form, examples, cluster=Here(2), seed=1):
            assert all(np.isfinite(array).all() for array in done.state.values())
            assert 0 <= done.loss < 10
    assert len(examples.vocabulary) == 0


@LOSS
def test_a_saved_state_predicts_the_same(loss: str, planted: Examples, tmp_path: Path) -> None:
    form = form_of(loss)
    state = last_state(form, planted)
    save_state(tmp_path / "state.safetensors", state)
    texts = ["katze und hund", "", "brot 机 der", "unseen n3 n4"]
    ours, loaded = (
        Classifier.of(form, each, vocabulary=planted.vocabulary, labels=planted.labels).predict(texts, k=3)
        for each in (state, load_state(tmp_path / "state.safetensors"))
    )
    np.testing.assert_array_equal(ours.labels, loaded.labels)
    np.testing.assert_array_equal(ours.probabilities, loaded.probabilities)
