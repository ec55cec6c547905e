"""Learning to classify as a stage: what it leaves, what it judges by, when it stops."""

import json
import logging
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from distributed import LocalCluster

from algorithms.model import load_state
from algorithms.text_classification.algorithm import TextClassification
from algorithms.text_classification.classifier import Classifier
from data.errors import HyperparameterError
from data.examples import Examples
from data.vocabulary import Vocabulary
from tasks.ingest import ingest
from tasks.text_classification import train
from tasks.text_classification.text import Prepared, prepare
from tasks.text_classification.train import LABELS, accuracy_on, learn
from tasks.train import HISTORY, STATE, VOCABULARY, Machines
from tests import planted

FORM = TextClassification(vector_dim=8, epochs=3, min_count=1, buckets=1000, learning_rate=0.5)
STOPPING = FORM.model_copy(update={"early_stopping": True, "epochs": 20, "min_epochs": 2, "patience": 2})
HERE = Machines(threads=1, workers=0, scheduler="")


@pytest.fixture(scope="module")
def text(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("corpora") / "labelled.txt"
    path.write_text(planted.labelled(lines=1000, strays=0.3), encoding="utf-8")
    return path


@pytest.fixture
def work(tmp_path) -> Path:
    return tmp_path / "work"


@pytest.fixture
def prepared(text, work) -> Prepared:
    return prepare.fn(ingest.fn(str(text)), None, FORM, share=0.3, tokenizer="auto", machines=HERE, work=str(work))


@pytest.fixture
def unjudged(text, work) -> Prepared:
    return prepare.fn(ingest.fn(str(text)), None, FORM, share=0.0, tokenizer="auto", machines=HERE, work=str(work))


def history(trained) -> list[dict]:
    return json.loads((Path(trained.url) / HISTORY).read_bytes())


def scores(trained) -> dict[int, float]:
    """Validation accuracy by epoch."""
    return {each["epoch"]: each["validation_accuracy"] for each in history(trained) if "epoch" in each}


def scripted(monkeypatch, given: list[float]) -> list[np.ndarray]:
    """Make the epochs' accuracies those `given`; the inputs that each was judged with."""
    seen, left = [], iter(given)

    def accuracy(classifier, shards) -> float:
        seen.append(np.array(classifier._inputs))
        return next(left)

    monkeypatch.setattr(train, "accuracy_on", accuracy)
    return seen


def inputs(trained) -> np.ndarray:
    return load_state(Path(trained.url) / STATE)["inputs"]


def test_what_a_training_leaves(prepared):
    trained = learn.fn(prepared, FORM, machines=HERE, seed=1)
    folder = Path(trained.url)
    names = {STATE, VOCABULARY, LABELS, HISTORY, "done.json"}
    assert {path.name for path in folder.iterdir()} == names
    rounds = history(trained)
    assert (len(rounds), rounds[-1]["progress"], rounds[-1]["loss"]) == (trained.rounds, 1, trained.loss)
    assert rounds[-1]["loss"] < rounds[0]["loss"]
    assert sum(each["words"] for each in rounds) == 3 * prepared.tokens
    assert (trained.epoch, trained.epochs, trained.threads, trained.workers) == (3, 3, 1, 1)
    assert list(scores(trained)) == [1, 2, 3], "judged after each epoch though it is not asked to stop"
    state = load_state(folder / STATE)
    assert len(state["inputs"]) == prepared.vocabulary + prepared.ngrams + 1
    assert np.isfinite(state["inputs"]).all()


def test_the_last_accuracy_is_that_of_the_weights_that_are_left(prepared):
    trained = learn.fn(prepared, FORM, machines=HERE, seed=1)
    folder, examples = Path(trained.url), Examples.load(prepared.url)
    words, labels = (Vocabulary.load(str(folder / name)) for name in (VOCABULARY, LABELS))
    classifier = Classifier.of(FORM, load_state(folder / STATE), vocabulary=words, labels=labels)
    assert accuracy_on(classifier, examples.validation) == scores(trained)[3] > 0.7


def test_every_input_counts(prepared):
    first = learn.fn(prepared, FORM, machines=HERE, seed=1)
    assert learn.fn(prepared, FORM, machines=HERE, seed=1).name == "Cached"
    form = FORM.model_copy(update={"learning_rate": 0.4})
    changes = [(form, HERE, 1), (FORM, HERE, 2), (FORM, {**HERE, "threads": 2}, 1)]
    assert len({learn.fn(prepared, form, machines=where, seed=seed).url for form, where, seed in changes}) == 3
    assert learn.fn(prepared, FORM.model_copy(update={"quantize": True, "cutoff": 9}), machines=HERE, seed=1).data == (
        first.model_copy(update={"reused": True})
    )


def test_one_thread_and_one_seed_give_the_same_bits(prepared, tmp_path):
    elsewhere = prepared.model_copy(update={"url": f"{tmp_path}/other/{prepared.key}"})
    Path(elsewhere.work).mkdir()
    Path(elsewhere.url).symlink_to(prepared.url)
    one, two = (learn.fn(each, FORM, machines=HERE, seed=1) for each in (prepared, elsewhere))
    assert one.url != two.url
    assert (Path(one.url) / STATE).read_bytes() == (Path(two.url) / STATE).read_bytes()
    other = learn.fn(prepared, FORM, machines=HERE, seed=2)
    assert not np.array_equal(inputs(one), inputs(other))


@pytest.mark.parametrize(
    ("given", "kept", "epochs"),
    [
        ([0.9, 0.5, 0.6, 0.4, 0.6], 3, 5),  # the first epoch is not judged, an equal one no better
        ([0.1, 0.5, 0.4, 0.3], 2, 4),
        ([0.0, 0.0, 0.0, 0.0], 2, 4),
        ([number / 20 for number in range(20)], 20, 20),
        ([number / 20 for number in range(19)] + [0], 19, 20),
    ],
)
def test_the_best_weights_are_kept(prepared, monkeypatch, given, kept, epochs):
    seen = scripted(monkeypatch, given)
    trained = learn.fn(prepared, STOPPING, machines=HERE, seed=1)
    assert (trained.epoch, trained.epochs) == (kept, epochs)
    assert list(scores(trained).values()) == given[:epochs]
    assert history(trained)[-1]["progress"] == pytest.approx(epochs / 20)
    left = Classifier.of(
        STOPPING,
        load_state(Path(trained.url) / STATE),
        vocabulary=Vocabulary.load(f"{trained.url}/{VOCABULARY}"),
        labels=Vocabulary.load(f"{trained.url}/{LABELS}"),
    )
    np.testing.assert_array_equal(left._inputs, seen[kept - 1])
    assert kept == epochs or not np.array_equal(left._inputs, seen[-1])


def test_without_early_stopping_the_last_weights_are_kept(prepared, monkeypatch):
    seen = scripted(monkeypatch, [0.9, 0.1, 0.1])
    trained = learn.fn(prepared, FORM.model_copy(update={"patience": 1, "min_epochs": 1}), machines=HERE, seed=1)
    assert (trained.epoch, trained.epochs, len(seen)) == (3, 3, 3)


def test_it_stops_on_what_it_has_learned(prepared):
    """A word in three is of the other class: more epochs than a few learn the training lines by heart."""
    form = STOPPING.model_copy(update={"epochs": 60, "patience": 4})
    trained = learn.fn(prepared, form, machines=HERE, seed=1)
    found = scores(trained)
    assert trained.epochs == trained.epoch + 4 < 60
    assert found[trained.epoch] == max(score for epoch, score in found.items() if epoch >= 2)


def test_what_it_says(prepared, monkeypatch, caplog):
    scripted(monkeypatch, [0.9, 0.5, 0.4, 0.3])
    with caplog.at_level(logging.INFO):
        learn.fn(prepared, STOPPING, machines=HERE, seed=1)
    said = [record.getMessage() for record in caplog.records]
    assert [line for line in said if line.startswith("epoch")] == [
        f"epoch {epoch}: validation accuracy 0.{score}00000" for epoch, score in ((1, 9), (2, 5), (3, 4), (4, 3))
    ]
    assert said[-1] == "no better for 2 epochs: stopping"


def test_without_validation_examples(unjudged):
    trained = learn.fn(unjudged, FORM, machines=HERE, seed=1)
    assert [each["epoch"] for each in history(trained) if "epoch" in each] == [1, 2, 3]
    assert not any("validation_accuracy" in each for each in history(trained))


def test_a_training_that_diverges(prepared, work):
    form = FORM.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(HyperparameterError, match=r"^learning_rate=1e\+30: training diverged .*; choose a smaller"):
        learn.fn(prepared, form, machines=HERE, seed=1)
    assert [path.name for path in work.iterdir()] == [prepared.key]


def test_several_workers_learn_too(text):
    """Elsewhere, with a cache that is not on this disk."""
    work = f"memory://{uuid4().hex}/work"
    prepared = prepare.fn(ingest.fn(str(text)), None, FORM, share=0.3, tokenizer="auto", machines=HERE, work=work)
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as local:
        machines = Machines(threads=0, workers=0, scheduler=local.scheduler_address)
        trained = learn.fn(prepared, STOPPING, machines=machines, seed=1)
    assert (trained.workers, trained.threads) == (2, 1)
    assert trained.epoch >= 2
    found = json.loads(train.stages.storage.read_bytes(f"{trained.url}/{HISTORY}"))
    assert max(each.get("validation_accuracy", 0) for each in found) > 0.7
