from pathlib import Path
from typing import Any

import numpy as np
import pytest

from algorithms.here import Here
from algorithms.state import State
from algorithms.text_classification import export
from algorithms.text_classification.algorithm import TextClassification
from algorithms.text_classification.classifier import Classifier
from algorithms.text_classification.export import write_bin
from algorithms.training import train
from data import fasttext as plain
from data.examples import Examples
from tests.algorithms.agreement import assert_same, fasttexts, ours
from tests.labels import planted_lines

LOSSES = {
    "softmax": plain.LossName.SOFTMAX,
    "hs": plain.LossName.HIERARCHICAL_SOFTMAX,
    "ns": plain.LossName.NEGATIVE_SAMPLING,
    "ova": plain.LossName.ONE_VS_ALL,
}
TEXTS = [*planted_lines(12, seed=9), "", "unseen", "katze brot unseen sofa", "__label__tiere wein", "hund </s> tisch"]


def learned(prepare: Any, loss: str, word_ngrams: int) -> tuple[TextClassification, State, Examples]:
    examples = prepare(planted_lines(200, several=loss == "ova"), word_ngrams=word_ngrams, buckets=3000, min_count=2)
    form = TextClassification(
        loss=loss, vector_dim=7, min_count=2, word_ngrams=word_ngrams, buckets=3000, learning_rate=0.3, epochs=3
    )
    return form, list(train(form, examples, cluster=Here(1), seed=1))[-1].state, examples


@pytest.fixture(scope="module")
def models(prepare: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], Any]:
    """Every loss, with words alone, bigrams and trigrams, and the file of each."""
    made = {}
    for loss, word_ngrams in [*((loss, 2) for loss in LOSSES), ("softmax", 1), ("hs", 3)]:
        form, state, examples = learned(prepare, loss, word_ngrams)
        path = tmp_path_factory.mktemp("model") / "model.bin"
        write_bin(form, state, path, vocabulary=examples.vocabulary, labels=examples.labels)
        made[loss, word_ngrams] = form, state, examples, path
    return made


MODEL = pytest.mark.parametrize(("loss", "word_ngrams"), [*((loss, 2) for loss in LOSSES), ("softmax", 1), ("hs", 3)])


@MODEL
def test_fasttext_tells_the_same(loss: str, word_ngrams: int, models: Any, capfd: pytest.CaptureFixture[str]) -> None:
    package = pytest.importorskip("fasttext", reason="the fasttext package is not installed")
    form, state, examples, path = models[loss, word_ngrams]
    theirs = package.load_model(str(path))
    capfd.readouterr()  # load_model warns on stderr
    classifier = Classifier.of(form, state, vocabulary=examples.vocabulary, labels=examples.labels)
    assert theirs.words == examples.vocabulary.words
    assert theirs.labels == classifier.labels == examples.labels.words
    for k in (1, 2, 3):
        for threshold in (0.0, 0.3):
            every = ours(classifier, TEXTS, k=k, threshold=threshold)
            for text, told in zip(TEXTS, every, strict=True):
                assert_same(told, fasttexts(theirs, text, k=k, threshold=threshold), loss=LOSSES[loss])


@MODEL
def test_the_file_read_again_tells_the_same(loss: str, word_ngrams: int, models: Any) -> None:
    """N-grams that training never saw count with zeros here and there."""
    form, state, examples, path = models[loss, word_ngrams]
    classifier = Classifier.of(form, state, vocabulary=examples.vocabulary, labels=examples.labels)
    again = Classifier.of_fasttext(plain.read_model(path))
    one, two = (each.predict(TEXTS, k=3) for each in (classifier, again))
    np.testing.assert_array_equal(one.labels, two.labels)
    np.testing.assert_allclose(one.probabilities, two.probabilities, rtol=1e-5, atol=1e-7)


@MODEL
@pytest.mark.parametrize("block", [77, 3000, 1 << 16])
def test_model_bin_holds_the_form_and_the_state(
    loss: str, word_ngrams: int, block: int, models: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    form, state, examples, path = models[loss, word_ngrams]
    monkeypatch.setattr(export, "BLOCK", block)
    write_bin(form, state, tmp_path / "model.bin", vocabulary=examples.vocabulary, labels=examples.labels)
    assert (tmp_path / "model.bin").read_bytes() == path.read_bytes()
    args, dictionary, inputs, outputs, prune = plain.read_model(path)
    assert (args.model, args.loss, prune) == (plain.ModelName.SUPERVISED, LOSSES[loss], None)
    assert (args.dim, args.epoch, args.min_count, args.neg, args.word_ngrams) == (7, 3, 2, 5, word_ngrams)
    buckets = 3000 if word_ngrams > 1 else 0
    assert (args.bucket, args.minn, args.maxn) == (buckets, 0, 0)
    words = len(examples.vocabulary)
    assert dictionary.words == words
    counts = [*examples.vocabulary.counts.tolist(), *examples.labels.counts.tolist()]
    names = [*examples.vocabulary.words, *examples.labels.words]
    assert [(entry.word, entry.count) for entry in dictionary.entries] == list(zip(names, counts, strict=True))
    assert dictionary.tokens == sum(counts)
    assert inputs.shape == (words + buckets, 7)
    np.testing.assert_array_equal(inputs[:words], state["inputs"][:words])
    np.testing.assert_array_equal(inputs[words + examples.buckets], state["inputs"][words:-1])
    reached = np.isin(np.arange(buckets), examples.buckets)
    assert not inputs[words:][~reached].any()
    np.testing.assert_array_equal(outputs, state["outputs"])
