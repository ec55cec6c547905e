"""The text classifiers side by side: ours, fastText's and scikit-learn's, each reading the same file of fastText lines.

A system returns seconds (from the file to the trained model), peak_memory (bytes, until then) and, given a test file,
accuracy and lines_per_second (raw lines to labels, one thread). Run one by one in fresh processes: see `harness.alone`.
"""

import re
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.harness import Figures, answer, begin
from data import labelled, sources

if TYPE_CHECKING:
    from algorithms.state import State
    from algorithms.text_classification.algorithm import TextClassification
    from algorithms.text_classification.classifier import Classifier
    from data.examples import Examples

WORD_NGRAMS, BUCKETS, MIN_COUNT = 2, 2_000_000, 1
LABEL = "__label__"
CALL = 50_000  # lines that are predicted at once, at least
SHORTEST = 1.0  # seconds that predicting is measured for, at least


class Line(NamedTuple):
    """One line of a file of fastText's: its first label, which all of these sets have alone, and its text."""

    label: str
    text: str


def lines_of(path: str) -> list[Line]:
    """The lines of a file whose labels come first, as `harness.labelled_text` writes it."""
    with Path(path).open(encoding="utf-8", newline="\n") as file:
        parts = (line.removesuffix("\n").partition(" ") for line in file)
        return [Line(label, text) for label, _, text in parts]


def words_of(path: Path) -> int:
    """The tokens of a file as fastText counts them: labels and the end of each line too."""
    with path.open("rb") as file:
        return sum(len(line.split()) + 1 for line in file)


def judged(test: str, predict: Callable[[list[str]], Sequence[str]]) -> Figures:
    """The memory until now; with a test file accuracy, and lines a second. `predict`: texts to whole labels."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if not test:
        return {"peak_memory": peak}
    texts = [line.text for line in lines_of(test)]
    return {"peak_memory": peak, "accuracy": accuracy(test, predict), "lines_per_second": speed(texts, predict)}


def accuracy(test: str, predict: Callable[[list[str]], Sequence[str]]) -> float:
    """The share of a file's lines whose label is predicted."""
    lines = lines_of(test)
    predicted = predict([line.text for line in lines])
    return sum(line.label == label for line, label in zip(lines, predicted, strict=True)) / len(lines)


def speed(texts: list[str], predict: Callable[[list[str]], Sequence[str]]) -> float:
    """Lines a second: the test set again and again, for a second at least."""
    texts = texts * -(-CALL // len(texts))
    begun, lines, seconds = time.perf_counter(), 0, 0.0
    while seconds < SHORTEST:
        predict(texts)
        lines, seconds = lines + len(texts), time.perf_counter() - begun
    return lines / seconds


def ours(*, text: str, test: str, dim: int, learning_rate: float, threads: int, epochs: int, seed: int) -> Figures:
    """Embertext, as its flow trains: the examples on disk, rounds and all."""
    training = partial(trained, dim=dim, learning_rate=learning_rate, threads=threads, epochs=epochs, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        # have numba's kernels ready: they are compiled once an installation
        training(little(folder), Path(folder) / "compiling").classifier.predict(["b c"], threads=threads)
        model = training(Path(text), Path(folder) / "examples")
        predict = partial(likeliest, model.classifier)
        figures = model.figures | judged(test, predict)
        if test:
            texts = [line.text for line in lines_of(test)]
            figures["lines_per_second_threads"] = speed(texts, partial(predict, threads=threads))
        return figures


def little(folder: str) -> Path:
    """A file to compile kernels with."""
    path = Path(folder) / "little.txt"
    path.write_text("__label__a b c d\n__label__b d e f\n" * 50)
    return path


def likeliest(classifier: "Classifier", texts: list[str], threads: int = 1) -> list[str]:
    """The whole label of each text; "" for one that no word of is known."""
    found = classifier.predict(texts, threads=threads).labels[:, 0]
    return [classifier.labels[label] if label >= 0 else "" for label in found.tolist()]


class Trained(NamedTuple):
    """Ours, after training; figures: how long it took, and how many words were trained."""

    form: "TextClassification"
    examples: "Examples"
    state: "State"
    figures: Figures

    @property
    def classifier(self) -> "Classifier":
        """What predicts."""
        from algorithms.text_classification.classifier import Classifier

        return Classifier.of(self.form, self.state, vocabulary=self.examples.vocabulary, labels=self.examples.labels)


def trained(
    text: Path, folder: Path, *, dim: int, learning_rate: float, threads: int, epochs: int, seed: int
) -> Trained:
    """Train on a file."""
    # not on top: the processes of the others, too, would need memory for them
    from algorithms.here import Here
    from algorithms.text_classification.algorithm import TextClassification
    from algorithms.text_classification.encode import encode
    from algorithms.training import train

    form = TextClassification(
        vector_dim=dim, learning_rate=learning_rate, epochs=epochs, word_ngrams=WORD_NGRAMS, buckets=BUCKETS,
        min_count=MIN_COUNT,
    )  # fmt: skip
    begun = time.perf_counter()
    blocks = (block.data for block in labelled.blocks(sources.find(str(text), cache=folder)))
    examples = encode(blocks, folder, min_count=form.min_count, word_ngrams=form.word_ngrams, buckets=form.buckets)
    prepared, of_epochs, words = time.perf_counter() - begun, 0.0, 0
    for each in train(form, examples, cluster=Here(threads), seed=seed):
        of_epochs, words = of_epochs + each.seconds, words + each.words
    seconds = time.perf_counter() - begun
    figures = {"seconds": seconds, "preparing_seconds": prepared, "epochs_seconds": of_epochs, "words": words}
    return Trained(form, examples, each.state, figures)


def fasttext(*, text: str, test: str, dim: int, learning_rate: float, threads: int, epochs: int, seed: int) -> Figures:
    """FastText's own package. It tells the speed of its epochs on standard error only: see `completed`."""
    import fasttext as package

    begin()
    begun = time.perf_counter()
    model = package.train_supervised(
        input=text, dim=dim, lr=learning_rate, epoch=epochs, wordNgrams=WORD_NGRAMS, bucket=BUCKETS,
        minCount=MIN_COUNT, loss="softmax", thread=threads, seed=seed, verbose=2,
    )  # fmt: skip
    seconds = time.perf_counter() - begun

    return {"seconds": seconds} | judged(test, partial(fasttexts, model))


def fasttexts(model: Any, texts: list[str]) -> list[str]:
    """The whole label that fastText's package tells for each text."""
    # its `predict` fails with numpy 2; this is what it calls, and its only way for many lines: on one thread
    labels, _ = model.f.multilinePredict([f"{text}\n" for text in texts], 1, 0.0, "strict")
    return [found[0] if found else "" for found in labels]


def scikit_learn(
    *, text: str, test: str, dim: int, learning_rate: float, threads: int, epochs: int, seed: int
) -> Figures:
    """Hashed word bigrams and a linear model: no vectors, so `dim` says nothing here, nor does `learning_rate`."""
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import SGDClassifier

    begun = time.perf_counter()
    hashed = HashingVectorizer(
        ngram_range=(1, WORD_NGRAMS), n_features=2**21, tokenizer=str.split, token_pattern=None, lowercase=False
    )
    lines = lines_of(text)
    model = SGDClassifier(loss="log_loss", max_iter=epochs, tol=None, n_jobs=threads, random_state=seed)
    model.fit(hashed.transform(line.text for line in lines), [line.label for line in lines])
    seconds = time.perf_counter() - begun

    def predict(texts: list[str]) -> Sequence[str]:
        found: Sequence[str] = model.predict(hashed.transform(texts))
        return found

    return {"seconds": seconds} | judged(test, predict)


def completed(run: Figures, *, words: int) -> Figures:
    """Add words_per_second, parsing included, and for the epochs alone; `words`: those of the file times the epochs.

    fastText tells the latter on standard error. It holds its parse, which it does again in every epoch, not the first
    one for the vocabulary; and up to a tenth of a second in which it sleeps between two looks at its threads.
    """
    run = run | {"words_per_second": words / run["seconds"]}
    if said := re.findall(r"words/sec/thread:\s+(\d+)", run["stderr"]):
        run["epochs_words_per_second"] = int(said[-1]) * run["threads"]
    elif "epochs_seconds" in run:
        run["epochs_words_per_second"] = words / run["epochs_seconds"]
    return run


SYSTEMS = {"fasttext": fasttext, "embertext": ours, "scikit-learn": scikit_learn}

if __name__ == "__main__":
    answer(SYSTEMS)
