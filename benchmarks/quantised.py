"""Classifiers made small, side by side: ours and fastText's, each from what it has trained itself.

A system returns bytes and accuracy of its model.ftz, whole_bytes and whole_accuracy of the model before, and seconds:
to prune that, train it again and quantise it. Run one by one in fresh processes: see `harness.alone`.
"""

import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks import classifiers
from benchmarks.harness import Figures, answer


def ours(
    *, text: str, test: str, dim: int, learning_rate: float, threads: int, epochs: int, seed: int, cutoff: int
) -> Figures:
    """Embertext, as its flow makes model.bin and model.ftz."""
    from algorithms.text_classification.classifier import Classifier
    from algorithms.text_classification.export import write_bin
    from data.fasttext import read_model

    training = partial(
        classifiers.trained, dim=dim, learning_rate=learning_rate, threads=threads, epochs=epochs, seed=seed
    )
    smaller = partial(_write_ftz, cutoff=cutoff, threads=threads, seed=seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        smaller(training(classifiers.little(name), folder / "compiling"), folder / "compiled")
        model = training(Path(text), folder / "examples")
        whole, ftz = folder / "model.bin", folder / "model.ftz"
        write_bin(model.form, model.state, whole, vocabulary=model.examples.vocabulary, labels=model.examples.labels)
        accuracy = classifiers.accuracy(test, partial(classifiers.likeliest, model.classifier))
        begun = time.perf_counter()
        smaller(model, ftz)
        seconds = time.perf_counter() - begun
        small = Classifier.of_fasttext(read_model(ftz))
        return {
            "seconds": seconds,
            "whole_bytes": whole.stat().st_size,
            "bytes": ftz.stat().st_size,
            "whole_accuracy": accuracy,
            "accuracy": classifiers.accuracy(test, partial(classifiers.likeliest, small)),
        }


def _write_ftz(model: classifiers.Trained, path: Path, *, cutoff: int, threads: int, seed: int) -> None:
    """Prune, train again, quantise."""
    from algorithms.here import Here
    from algorithms.text_classification.compress import compressed, lacks, pruned
    from algorithms.training import train
    from data.fasttext import write_quantized

    form, examples = model.form.model_copy(update={"cutoff": cutoff}), model.examples
    state = pruned(form, model.state, vocabulary=examples.vocabulary)
    if lacks(state):
        for each in train(form, examples, cluster=Here(threads), state=state, seed=seed):
            state = each.state
    small = compressed(form, state, vocabulary=examples.vocabulary, labels=examples.labels, threads=threads, seed=seed)
    with path.open("wb") as file:
        write_quantized(file, small)


def fasttext(
    *, text: str, test: str, dim: int, learning_rate: float, threads: int, epochs: int, seed: int, cutoff: int
) -> Figures:
    """FastText's own package."""
    import fasttext as package

    model = package.train_supervised(
        input=text, dim=dim, lr=learning_rate, epoch=epochs, wordNgrams=classifiers.WORD_NGRAMS,
        bucket=classifiers.BUCKETS, minCount=classifiers.MIN_COUNT, loss="softmax", thread=threads, seed=seed,
        verbose=0,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        whole, ftz = Path(folder) / "model.bin", Path(folder) / "model.ftz"
        model.save_model(str(whole))
        accuracy = classifiers.accuracy(test, partial(classifiers.fasttexts, model))
        begun = time.perf_counter()
        model.quantize(
            input=text, cutoff=cutoff, retrain=True, qnorm=True, epoch=epochs, lr=learning_rate, thread=threads
        )
        seconds = time.perf_counter() - begun
        model.save_model(str(ftz))
        return {
            "seconds": seconds,
            "whole_bytes": whole.stat().st_size,
            "bytes": ftz.stat().st_size,
            "whole_accuracy": accuracy,
            "accuracy": classifiers.accuracy(test, partial(classifiers.fasttexts, model)),
        }


SYSTEMS = {"fasttext": fasttext, "embertext": ours}

if __name__ == "__main__":
    answer(SYSTEMS)
