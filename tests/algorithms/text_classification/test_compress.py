import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from pydantic import ValidationError

from algorithms.here import Here
from algorithms.kernels.renumbering import renumbered
from algorithms.protocol import Span
from algorithms.state import State
from algorithms.text_classification.algorithm import TextClassification
from algorithms.text_classification.classifier import Classifier
from algorithms.text_classification.compress import compressed, lacks, pruned
from algorithms.text_classification.encode import encode, encode_validation
from algorithms.training import train
from data import fasttext
from data.errors import HyperparameterError
from data.examples import Batch, Examples

FORM = TextClassification(
    vector_dim=8, epochs=5, learning_rate=0.5, min_count=2, buckets=4000, quantize=True, cutoff=500
)
CLASSES = 3


def lines(count: int, *, seed: int) -> list[str]:
    """Lines of three classes: half of their words are of their class alone, the others anybody's, some hardly seen."""
    draw, told = random.Random(seed), []
    for number in range(count):
        label = number % CLASSES
        words = [f"{draw.choice(['x', label])}{int(draw.paretovariate(0.7)) % 300}" for _ in range(10)]
        told.append(f"__label__{label} {' '.join(words)}")
    return told


TRAIN, VALIDATION = lines(1500, seed=1), lines(300, seed=2)
TEXTS = [line.partition(" ")[2] for line in VALIDATION]


class Trained(NamedTuple):
    form: TextClassification
    examples: Examples
    state: State

    def pruned(self, **changes: object) -> State:
        form = self.form.model_copy(update=changes)
        return pruned(form, self.state, vocabulary=self.examples.vocabulary)

    def saved(self, path: Path, state: State, **changes: object) -> fasttext.Model:
        """The model of a pruned state, by way of a file."""
        form, examples = self.form.model_copy(update=changes), self.examples
        model = compressed(form, state, vocabulary=examples.vocabulary, labels=examples.labels, seed=1)
        with path.open("wb") as file:
            fasttext.write_quantized(file, model)
        return fasttext.read_model(path)

    def again(self, state: State, *, cluster: Here | None = None) -> State:
        *_, last = train(self.form, self.examples, cluster=cluster or Here(1), state=state, seed=1)
        return last.state

    @property
    def judged(self) -> Batch:
        assert self.examples.validation
        [piece] = self.examples.validation.slices(0, len(VALIDATION))
        return piece.read()


def learnt(folder: Path, **changes: object) -> Trained:
    form = FORM.model_copy(update=changes)
    sizes = form.model_dump(include={"word_ngrams", "buckets"})
    one, two = ["".join(f"{line}\n" for line in part).encode() for part in (TRAIN, VALIDATION)]
    examples = encode([one], folder, min_count=form.min_count, **sizes)
    examples = encode_validation([two], folder, examples, **sizes)
    *_, last = train(form, examples, cluster=Here(1), seed=1)
    return Trained(form, examples, {name: np.array(array) for name, array in last.state.items()})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return learnt(tmp_path_factory.mktemp("examples"))


def accuracy(model: fasttext.Model) -> float:
    classifier = Classifier.of_fasttext(model)
    found = classifier.predict(TEXTS).labels[:, 0]
    right = [line.startswith(f"{classifier.labels[label]} ") for line, label in zip(VALIDATION, found, strict=True)]
    return float(np.mean(right))


def test_the_longest_rows_stay_under_their_numbers(trained: Trained) -> None:
    words, inputs = len(trained.examples.vocabulary), trained.state["inputs"]
    small = trained.pruned()
    assert len(small["inputs"]) == 500
    assert len(small["numbers"]) == len(inputs)
    kept = np.flatnonzero(small["numbers"] >= 0)
    assert small["numbers"][kept].tolist() == list(range(500))
    np.testing.assert_array_equal(small["inputs"], inputs[kept])
    np.testing.assert_array_equal(small["buckets"], trained.examples.buckets[kept[kept >= words] - words])
    assert 0 < small["buckets"].size < 500
    norms = np.linalg.norm(inputs[:-1], axis=1)
    assert norms[kept].min() >= np.delete(norms, kept).max() - 1e-6
    assert small["numbers"][-1] == -1  # nobody's
    assert lacks(small)


def test_all_rows_stay_where_there_is_room(trained: Trained) -> None:
    small = trained.pruned(cutoff=2_000_000 - 1, buckets=2_000_000)
    np.testing.assert_array_equal(small["inputs"], trained.state["inputs"][:-1])
    assert not lacks(small)


@pytest.mark.parametrize("cutoff", [0, 1_000_000])
def test_nothing_is_pruned(cutoff: int, trained: Trained, tmp_path: Path) -> None:
    small, words = trained.pruned(cutoff=cutoff), len(trained.examples.vocabulary)
    inputs, numbers = small["inputs"], small["numbers"]
    assert len(inputs) == words + trained.form.buckets
    np.testing.assert_array_equal(inputs[numbers], trained.state["inputs"])
    assert np.count_nonzero(np.any(inputs, axis=1)) == len(numbers) - 1
    assert not lacks(small)
    model = trained.saved(tmp_path / "model.ftz", small, cutoff=cutoff)
    assert model.prune is None
    whole = Classifier.of(
        trained.form, trained.state, vocabulary=trained.examples.vocabulary, labels=trained.examples.labels
    )
    np.testing.assert_allclose(
        Classifier.of_fasttext(model).predict(TEXTS).probabilities, whole.predict(TEXTS).probabilities, atol=0.1
    )


def test_training_goes_on_as_on_examples_that_never_had_the_others(trained: Trained) -> None:
    small = trained.pruned()
    before = {name: array.tobytes() for name, array in trained.state.items()}
    [piece] = trained.examples.train.slices(0, len(TRAIN))
    settings: dict[str, Any] = {"span": Span(0, 1), "threads": 1, "seed": 1}
    once = trained.form.update(small, [piece.read()], **settings)
    shorter = Batch(*renumbered(*piece.read(), small["numbers"]))
    state = {name: array for name, array in small.items() if name != "numbers"}
    other = trained.form.update(state, [shorter], **settings)
    for name in ("inputs", "outputs"):
        np.testing.assert_array_equal(once.state[name], other.state[name])
        np.testing.assert_array_equal(once.weight[name], other.weight[name])
    assert (once.words, once.loss) == (other.words, other.loss)
    assert once.words == trained.examples.tokens
    trained.again(small)
    assert {name: array.tobytes() for name, array in trained.state.items()} == before


@pytest.mark.parametrize("workers", [1, 3])
def test_a_small_model_is_nearly_as_good(workers: int, trained: Trained, tmp_path: Path) -> None:
    whole = accuracy(trained.saved(tmp_path / "whole.ftz", trained.pruned(cutoff=0), cutoff=0))
    small = trained.again(trained.pruned(), cluster=Here(1, workers=workers))
    assert accuracy(trained.saved(tmp_path / "small.ftz", small)) >= whole - 0.05 > 0.8
    assert small["numbers"].tolist() == trained.pruned()["numbers"].tolist()


@pytest.fixture
def package(capfd: pytest.CaptureFixture[str]) -> Iterator[Any]:
    yield pytest.importorskip("fasttext", reason="the fasttext package is not installed")
    capfd.readouterr()  # load_model warns on stderr


@pytest.mark.parametrize(
    "changes",
    [{}, {"cutoff": 0}, {"word_ngrams": 1, "cutoff": 300}, {"word_ngrams": 1, "cutoff": 0}, {"word_ngrams": 3}]
    + [{"loss": loss} for loss in ("hs", "ns", "ova")],
    ids=str,
)
def test_fasttext_and_we_agree_on_the_file(changes: dict[str, Any], package: Any, tmp_path: Path) -> None:
    trained = learnt(tmp_path, epochs=1, **changes)
    small = trained.pruned()
    if lacks(small):
        small = trained.again(small)
    classifier = Classifier.of_fasttext(trained.saved(tmp_path / "model.ftz", small))
    texts = [*TEXTS[:50], "", "never seen", "x1 never x1"]
    ours = classifier.predict(texts, k=2)
    theirs = package.load_model(str(tmp_path / "model.ftz"))
    for text, labels, probabilities in zip(texts, *ours, strict=True):
        told = theirs.f.predict(f"{text}\n", 2, 0.0, "strict")
        assert [name for _, name in told] == [classifier.labels[label] for label in labels if label >= 0]
        np.testing.assert_allclose([probability for probability, _ in told], probabilities[: len(told)], atol=1e-4)
    # what prepared examples become is what their text becomes
    judged = classifier.judge(Batch(*renumbered(*trained.judged, small["numbers"])), k=CLASSES)
    np.testing.assert_allclose(
        judged.probabilities,
        classifier.predict(TEXTS, k=CLASSES).probabilities,
        atol=0.02 if small["numbers"][-1] >= 0 else 1e-5,
    )


def test_examples_without_any_row_left(trained: Trained) -> None:
    small = trained.pruned()
    nothing = {**small, "numbers": np.full_like(small["numbers"], -1)}
    done = trained.form.update(nothing, [trained.judged], span=Span(0, 1), threads=1, seed=1)
    np.testing.assert_array_equal(done.state["inputs"], small["inputs"])
    assert done.examples == 0


MISTAKES = [
    ({"cutoff": 255}, "cutoff=255: model.ftz has a table of 256 rows, .*; choose cutoff >= 256"),
    ({"cutoff": 0, "buckets": 2**31 - 1}, "cutoff=0: model.ftz cannot hold so many rows of 100 numbers; choose"),
    ({"cutoff": 2**30, "buckets": 2**30, "vector_dim": 5}, "cutoff=1073741824: model.ftz cannot hold"),
]  # fmt: skip


@pytest.mark.parametrize(("form", "message"), MISTAKES)
def test_cutoffs_that_cannot_work(form: dict[str, int], message: str) -> None:
    with pytest.raises(ValidationError, match=message) as raised:
        TextClassification(quantize=True, **form)
    [detail] = raised.value.errors()
    assert isinstance(detail["ctx"]["error"], HyperparameterError)
    TextClassification(quantize=False, **form)


@pytest.mark.parametrize("form", [{"cutoff": 0}, {"cutoff": 256}, {"cutoff": 2**31 - 1}])
def test_cutoffs_that_work(form: dict[str, int]) -> None:
    TextClassification(quantize=True, **form)
