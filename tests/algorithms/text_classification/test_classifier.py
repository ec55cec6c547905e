from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algorithms.here import Here
from algorithms.text_classification import classifier as module
from algorithms.text_classification.algorithm import TextClassification
from algorithms.text_classification.classifier import Classifier
from algorithms.text_classification.export import write_bin
from algorithms.training import train
from data.errors import EmbertextError
from data.examples import Examples
from data.fasttext import Dictionary, LossName, Model, ModelName, read_model
from tests.algorithms.agreement import assert_same, fasttexts, ours
from tests.labels import CLASSES, COMMON, END, LABEL, planted_lines
from tests.strategies import SPACES, words

WORDS = [word for each in CLASSES.values() for word in each] + COMMON
LOSSES = ["softmax", "hs", "ns", "ova"]
LOSS = pytest.mark.parametrize("loss", LOSSES)

# any text: known words and others, labels, the mark of the end, separators
texts = st.lists(
    st.sampled_from([*WORDS, *(f"n{i}" for i in range(9)), f"{LABEL}tiere", f"{LABEL}unseen", END])
    | words
    | st.text(SPACES.replace("\n", "")),
    max_size=12,
).map(lambda some: " ".join(some))
TEXTS = [
    "", " ", "katze", "unseen", "katze katze katze hund", "brot und käse", "鳥 米 机", "mäuse\tkäse\r\v\0wein\f",
    f"{LABEL}tiere katze", f"{LABEL}unseen sofa und tisch", f"hund {END} tisch tisch", END, "n1 n2 n3", "die " * 99,
    "a\xa0b katze\u2028hund", "hund bett brot", "</s > katze", "der unseen hund x unseen",
]  # fmt: skip


# fastText's own models ------------------------------------------------------------------------------------------------

MODELS: dict[str, dict[str, Any]] = {
    "softmax": {},
    "bigrams": {"wordNgrams": 2, "bucket": 500},
    "trigrams": {"wordNgrams": 3, "bucket": 2_000_000, "loss": "ova"},
    "hs": {"loss": "hs", "wordNgrams": 2, "bucket": 77},
    "ns": {"loss": "ns", "neg": 2},
    "ova": {"loss": "ova"},
    "character n-grams": {"minn": 2, "maxn": 4, "bucket": 900},
    "single characters": {"minn": 1, "maxn": 2, "bucket": 900, "wordNgrams": 2, "loss": "hs"},
    "rare words left out": {"minCount": 40, "wordNgrams": 2, "bucket": 500},
    "no end of a line": {"minCount": 900, "minn": 2, "maxn": 3, "wordNgrams": 2, "bucket": 500},
    "one dimension": {"dim": 1},
    "other labels": {"label": "n", "loss": "hs"},  # the names; the classes are words
}
QUANTIZED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "whole": ({"wordNgrams": 2, "bucket": 500}, {}),
    "norms": ({"wordNgrams": 2, "bucket": 500, "loss": "ova"}, {"qnorm": True, "dsub": 3}),
    "pruned": ({"wordNgrams": 2, "bucket": 4000}, {"cutoff": 300, "qnorm": True}),
    "pruned to words": ({"wordNgrams": 1, "minCount": 1, "minn": 0}, {"cutoff": 260}),
    "pruned, character n-grams": (
        {"minn": 2, "maxn": 3, "bucket": 900, "loss": "hs"},
        {"cutoff": 300, "retrain": True},
    ),
    "output too": ({"wordNgrams": 2, "bucket": 500, "loss": "hs", "label": "n"}, {"qout": True}),
}


@pytest.fixture(scope="module")
def package() -> Any:
    return pytest.importorskip("fasttext", reason="the fasttext package is not installed")


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lines of one class or two, and of 320 names of which each has two."""
    path = tmp_path_factory.mktemp("labelled") / "labelled.txt"
    lines = [f"{line} n{i % 320}" for i, line in enumerate(planted_lines(880, several=True))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def trained(package: Any, labelled: Path, **settings: Any) -> Any:
    usual = {"dim": 7, "epoch": 5, "thread": 1, "verbose": 0, "lr": 0.5, "minCount": 1}
    return package.train_supervised(str(labelled), **(usual | settings))


@pytest.fixture(scope="module")
def pair(package: Any, labelled: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A model of the package, and the same in our hands; each made once."""
    made: dict[str, tuple[Any, Classifier]] = {}

    def get(name: str) -> tuple[Any, Classifier]:
        if name not in made:
            path = str(tmp_path_factory.mktemp("model") / "model.bin")
            if name in MODELS:
                theirs = trained(package, labelled, **MODELS[name])
            else:
                theirs = trained(package, labelled, **QUANTIZED[name][0])
                theirs.quantize(input=str(labelled), verbose=0, **QUANTIZED[name][1])
            theirs.save_model(path)
            theirs = package.load_model(path)  # a file knows no other prefix of labels than fastText's own
            made[name] = theirs, Classifier.of_fasttext(read_model(path), path=path)
        return made[name]

    return get


@pytest.mark.parametrize("name", [*MODELS, *QUANTIZED])
def test_predicts_as_fasttext(name: str, pair: Any) -> None:
    theirs, classifier = pair(name)
    assert classifier.labels == theirs.labels
    for k in (1, 2, len(classifier.labels)):
        found = classifier.predict(TEXTS, k=k)
        assert found.labels.shape == found.probabilities.shape == (len(TEXTS), k)
        assert (found.labels.dtype, found.probabilities.dtype) == (np.int32, np.float32)
        for text, told in zip(TEXTS, ours(classifier, TEXTS, k=k), strict=True):
            assert_same(told, fasttexts(theirs, text, k=k), loss=classifier.loss)


@pytest.mark.parametrize("threshold", [0.0, 1e-5, 0.2, 0.5, 0.9, 1.0, 1.1])
@pytest.mark.parametrize("name", ["softmax", "hs", "ova"])
def test_thresholds(name: str, threshold: float, pair: Any) -> None:
    theirs, classifier = pair(name)
    found = classifier.predict(TEXTS, k=3, threshold=threshold)
    for text, told in zip(TEXTS, ours(classifier, TEXTS, k=3, threshold=threshold), strict=True):
        assert_same(told, fasttexts(theirs, text, threshold=threshold), loss=classifier.loss)
    assert ((found.labels == -1) == (found.probabilities == 0)).all()
    assert (found.labels == -1).any() == (threshold > 0)


@pytest.mark.parametrize("name", ["bigrams", "character n-grams", "pruned, character n-grams", "no end of a line"])
@settings(max_examples=60)
@given(text=texts)
def test_any_text_is_read_as_fasttext_reads_it(name: str, pair: Any, text: str) -> None:
    theirs, classifier = pair(name)
    assert_same(ours(classifier, [text], k=9)[0], fasttexts(theirs, text, k=9), loss=classifier.loss)


def test_words_that_are_not_utf8(package: Any, tmp_path: Path) -> None:
    lines = [b"__label__caf\xe9 \xff\xfe a", b"__label__b \xc3 b", b"__label__b b"] * 20
    (tmp_path / "latin.txt").write_bytes(b"\n".join(lines) + b"\n")
    theirs = trained(package, tmp_path / "latin.txt")
    theirs.save_model(str(tmp_path / "model.bin"))
    classifier = Classifier.of_fasttext(read_model(tmp_path / "model.bin"))
    assert classifier.labels == ["__label__b", b"__label__caf\xe9".decode("utf-8", "surrogateescape")]
    for text in ("a", "b", "a b", "?"):
        assert_same(ours(classifier, [text], k=2)[0], fasttexts(theirs, text), loss=classifier.loss)
    unknown, lone = classifier.predict(["?", "\udcff\udcfe"], k=2).probabilities  # what UTF-8 has no bytes for
    np.testing.assert_array_equal(unknown, lone)


# Predictions ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def classifiers(planted: Examples) -> dict[str, Classifier]:
    """Ours, trained, one for each loss."""
    made = {}
    for loss in LOSSES:
        form = TextClassification(loss=loss, vector_dim=20, min_count=1, buckets=3000, learning_rate=0.5)
        state = list(train(form, planted, cluster=Here(1), seed=1))[-1].state
        made[loss] = Classifier.of(form, state, vocabulary=planted.vocabulary, labels=planted.labels)
    return made


def test_no_texts(classifiers: dict[str, Classifier]) -> None:
    for k, columns in ((1, 1), (2, 2), (9, 3)):
        found = classifiers["softmax"].predict([], k=k)
        assert found.labels.shape == found.probabilities.shape == (0, columns)
        assert (found.labels.dtype, found.probabilities.dtype) == (np.int32, np.float32)


@LOSS
def test_more_labels_than_there_are(loss: str, classifiers: dict[str, Classifier]) -> None:
    found, three = (classifiers[loss].predict(["katze", ""], k=k) for k in (10**9, 3))
    assert sorted(found.labels[0].tolist()) == [0, 1, 2]
    np.testing.assert_array_equal(found.labels, three.labels)
    if loss in ("softmax", "hs"):
        np.testing.assert_allclose(found.probabilities.sum(axis=1), 1 + 3e-5, rtol=1e-4)
    assert (np.diff(found.probabilities, axis=1) <= 0).all()


@LOSS
def test_the_likeliest_alone_are_the_first_of_all(loss: str, classifiers: dict[str, Classifier]) -> None:
    every = classifiers[loss].predict(TEXTS, k=3)
    for k in (1, 2):
        some = classifiers[loss].predict(TEXTS, k=k)
        np.testing.assert_array_equal(some.probabilities, every.probabilities[:, :k])
        np.testing.assert_array_equal(some.labels, every.labels[:, :k])


def test_line_breaks_within_a_text_are_spaces(classifiers: dict[str, Classifier]) -> None:
    broken = ["katze\nhund", "\n", "tisch\n\nund\nbett\n", "", "brot\r\nwein"]
    found = classifiers["softmax"].predict(broken, k=3)
    spaced = classifiers["softmax"].predict([text.replace("\n", " ") for text in broken], k=3)
    np.testing.assert_array_equal(found.labels, spaced.labels)
    np.testing.assert_array_equal(found.probabilities, spaced.probabilities)


@LOSS
@pytest.mark.parametrize("lines", [1, 7, 1 << 12])
def test_threads_tell_the_same(
    loss: str, lines: int, classifiers: dict[str, Classifier], planted: Examples, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LINES", lines)
    one, two, five = (classifiers[loss].predict(TEXTS * 3, k=2, threads=threads) for threads in (1, 2, 5))
    for other in (two, five):
        np.testing.assert_array_equal(one.labels, other.labels)
        np.testing.assert_array_equal(one.probabilities, other.probabilities)
    batch = planted.train.slices(5, 300)[0].read()
    judged, again = (classifiers[loss].judge(batch, k=2, threads=threads) for threads in (1, 3))
    np.testing.assert_array_equal(judged.labels, again.labels)
    assert len(judged.labels) == 295


@LOSS
def test_prepared_examples_are_judged_as_their_lines(
    loss: str, classifiers: dict[str, Classifier], planted: Examples
) -> None:
    """The lines of the planted text in the order of the examples, those held out included."""
    lines, classifier = planted_lines(440), classifiers[loss]
    found = classifier.predict(lines, k=3)
    judged = [
        pair
        for shards in (planted.train, planted.validation)
        for piece in (shards.slices(0, shards.size) if shards else [])
        for pair in zip(*(each.tolist() for each in classifier.judge(piece.read(), k=3)), strict=True)
    ]
    assert sorted(judged) == sorted(zip(found.labels.tolist(), found.probabilities.tolist(), strict=True))


def test_a_classifier_sees_the_state_it_was_made_of(planted: Examples) -> None:
    """Judging between epochs copies no table."""
    form = TextClassification(vector_dim=20, min_count=1, buckets=3000, learning_rate=0.5)
    rounds = train(form, planted, cluster=Here(1), seed=1)
    state = next(rounds).state
    classifier = Classifier.of(form, state, vocabulary=planted.vocabulary, labels=planted.labels)
    before = classifier.predict(["katze"]).probabilities
    state["outputs"][:] *= 2
    assert (classifier.predict(["katze"]).probabilities != before).all()


@LOSS
def test_equally_likely_labels_are_told_as_fasttext_tells_them(
    loss: str, package: Any, labelled: Path, tmp_path: Path
) -> None:
    """Before the first step all labels are."""
    theirs = trained(package, labelled, loss=loss, epoch=0)
    theirs.save_model(str(tmp_path / "model.bin"))
    classifier = Classifier.of_fasttext(read_model(tmp_path / "model.bin"))
    assert ours(classifier, ["katze"])[0][0][0] == fasttexts(theirs, "katze", k=1)[0][0]
    for k in (1, 2, 3):
        told = ours(classifier, ["katze"], k=k)[0]
        assert len(told) == k
        assert_same(told, fasttexts(theirs, "katze", k=k), loss=classifier.loss)


# Files that hold something else ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bigrams(planted: Examples, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A sound one, without a training behind it."""
    path = tmp_path_factory.mktemp("model") / "model.bin"
    form = TextClassification(vector_dim=7, buckets=3000)
    write_bin(form, form.init(planted, seed=1), path, vocabulary=planted.vocabulary, labels=planted.labels)
    return read_model(path)


def test_word_vectors_are_no_classifier(bigrams: Model) -> None:
    model = bigrams._replace(args=bigrams.args._replace(model=ModelName.SKIPGRAM))
    with pytest.raises(EmbertextError) as refused:
        Classifier.of_fasttext(model, path="vectors.bin")
    assert str(refused.value) == (
        "vectors.bin: a model of skipgram, not a classifier; give a model that fastText's supervised command made"
    )


def test_a_classifier_has_labels(bigrams: Model) -> None:
    words = bigrams.dictionary.entries[: bigrams.dictionary.words]
    model = bigrams._replace(dictionary=Dictionary(words, 9), output=np.zeros((0, 7), np.float32))
    with pytest.raises(EmbertextError, match=r"^model\.bin: a classifier without labels; .+$"):
        Classifier.of_fasttext(model)


@pytest.mark.parametrize("loss", list(LossName))
@pytest.mark.parametrize(
    "change",
    [
        {"word_ngrams": 2**31 - 1}, {"word_ngrams": -1}, {"word_ngrams": 0}, {"maxn": 2**31 - 1, "minn": -5},
        {"minn": 2**31 - 1, "maxn": 3}, {"maxn": -1}, {"word_ngrams": 2**31 - 1, "maxn": 2**31 - 1},
    ],
    ids=str,
)  # fmt: skip
def test_settings_that_no_fasttext_wrote_do_no_harm(change: dict[str, int], loss: LossName, bigrams: Model) -> None:
    found = Classifier.of_fasttext(bigrams._replace(args=bigrams.args._replace(loss=loss, **change))).predict(
        TEXTS, k=3
    )
    assert ((found.probabilities >= 0) & (found.probabilities <= 1.1)).all()


@pytest.mark.parametrize("loss", list(LossName))
@pytest.mark.parametrize("count", [0, 2**63 - 1])
@pytest.mark.parametrize("weight", [np.nan, np.inf, -np.inf, 3e38, -3e38])
def test_numbers_that_no_training_left_do_no_harm(weight: float, count: int, loss: LossName, bigrams: Model) -> None:
    entries = [entry._replace(count=count) for entry in bigrams.dictionary.entries]
    inputs, outputs = (table.copy() for table in bigrams.dense())
    inputs[3:9, ::2], outputs[1:, 1:] = weight, weight
    model = bigrams._replace(
        args=bigrams.args._replace(loss=loss), dictionary=Dictionary(entries, 9), input=inputs, output=outputs
    )
    found = Classifier.of_fasttext(model).predict(TEXTS, k=3)
    assert ((found.labels >= -1) & (found.labels < 3)).all()
