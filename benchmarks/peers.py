"""The Word2Vec systems side by side: ours, fastText's and gensim's, each reading the same file.

A system returns words_per_second (training alone), reading (seconds from text to vocabulary and ids), mean_rho and
analogies. Run one by one in fresh processes: see `harness.alone`.
"""

import re
import resource
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from algorithms import metrics
from algorithms.counting import count_and_encode
from algorithms.here import Here
from algorithms.training import train
from algorithms.word2vec.algorithm import Word2Vec
from benchmarks.harness import Figures, answer, begin
from data import gold, readers, sources
from data.corpus import Corpus

WATCHED = ("Number of words",)  # what fastText says when it has read its text
DIM, WINDOW, NEGATIVE, THRESHOLD, MIN_COUNT, RATE = 100, 5, 5, 1e-4, 5, 0.05


def judged(words: list[str], vectors: NDArray[np.float32]) -> Figures:
    """mean_rho on WordSim-353, accuracy on Google's analogies; the memory that training took at most, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    lookup = metrics.exact(words, vectors)
    return {
        "mean_rho": metrics.evaluate_wordsim(gold.wordsim(), lookup)["mean_rho"],
        "analogies": metrics.analogies(gold.analogies(), words, vectors)["accuracy"],
        "peak_memory": peak,
    }


def ours(mode: str, subwords: bool, *, text: str, threads: int, epochs: int, seed: int) -> Figures:
    """Embertext, as its flow trains: rounds and merging included."""
    form = Word2Vec(mode=mode, subwords=subwords, epochs=epochs)
    with tempfile.TemporaryDirectory() as folder:
        _compile(form, Path(folder) / "warm")
        begun = time.perf_counter()
        corpus = count_and_encode(_blocks(text), Path(folder) / "corpus", min_count=MIN_COUNT)
        reading = time.perf_counter() - begun
        begun, words = time.perf_counter(), 0
        for each in train(form, corpus, cluster=Here(threads), seed=seed):
            words += each.words
        seconds = time.perf_counter() - begun
        figures = judged(corpus.vocabulary.words, form.vectors(each.state))
    return figures | {"words_per_second": words / seconds, "reading": reading}


def _compile(form: Word2Vec, folder: Path) -> None:
    """Have numba's kernels ready: they are compiled once an installation."""
    corpus: Corpus = count_and_encode([b"a b c d e f g h " * 50], folder, min_count=1)
    for _ in train(form, corpus, cluster=Here(1), seed=1):
        pass


def _blocks(text: str) -> Iterator[bytes]:
    source = sources.find(text, cache=Path(tempfile.gettempdir()))
    return (block.data for block in readers.blocks(source, tokenizer="whitespace"))


def fasttext(model: str, subwords: bool, *, text: str, threads: int, epochs: int, seed: int) -> Figures:
    """FastText's own package. It tells its speed and the end of its reading on standard error only."""
    import fasttext as package

    # its function takes no seed, but reads this; left alone all runs start from the same one
    package.FastText.unsupervised_default["seed"] = seed
    begin()
    trained = package.train_unsupervised(
        text, model=model, dim=DIM, ws=WINDOW, epoch=epochs, neg=NEGATIVE, t=THRESHOLD, minCount=MIN_COUNT, lr=RATE,
        minn=3 if subwords else 0, maxn=6 if subwords else 0, thread=threads, verbose=2,
    )  # fmt: skip
    words = [word for word in trained.get_words() if word != "</s>"]
    return judged(words, np.array([trained.get_word_vector(word) for word in words], np.float32))


def gensim(skipgram: bool, *, text: str, threads: int, epochs: int, seed: int) -> Figures:
    """Gensim from a corpus file, its fastest way; lines of a thousand words, as it shares lines out to threads."""
    from gensim.models import Word2Vec as Gensim

    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "lines.txt"
        with lines.open("wb") as file:
            words = Path(text).read_bytes().split()
            file.writelines(b" ".join(words[i : i + 1000]) + b"\n" for i in range(0, len(words), 1000))
            del words
        model = Gensim(
            vector_size=DIM, window=WINDOW, negative=NEGATIVE, sample=THRESHOLD, min_count=MIN_COUNT, alpha=RATE,
            sg=int(skipgram), workers=threads, seed=seed,
        )  # fmt: skip
        begun = time.perf_counter()
        model.build_vocab(corpus_file=str(lines))
        reading = time.perf_counter() - begun
        tokens = sum(model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key)
        begun = time.perf_counter()
        model.train(
            corpus_file=str(lines),
            total_examples=model.corpus_count,
            total_words=model.corpus_total_words,
            epochs=epochs,
        )
        seconds = time.perf_counter() - begun
    figures = judged(list(model.wv.index_to_key), np.asarray(model.wv.vectors, np.float32))
    return figures | {"words_per_second": tokens * epochs / seconds, "reading": reading}


def completed(system: str, run: Figures) -> Figures:
    """Add what fastText said on standard error: its words a second and thread, the seconds until it had read."""
    if not system.startswith("fasttext"):
        return run
    threads = run["threads"]
    said = re.findall(r"words/sec/thread:\s+(\d+)", run["stderr"])
    return run | {"words_per_second": int(said[-1]) * threads, "reading": run["seconds_to"][WATCHED[0]]}


SYSTEMS = {
    "fasttext skipgram": partial(fasttext, "skipgram", False),
    "batch_skipgram": partial(ours, "batch_skipgram", False),
    "skipgram": partial(ours, "skipgram", False),
    "fasttext cbow": partial(fasttext, "cbow", False),
    "cbow": partial(ours, "cbow", False),
    "fasttext skipgram subwords": partial(fasttext, "skipgram", True),
    "skipgram subwords": partial(ours, "skipgram", True),
    "gensim skipgram": partial(gensim, True),
    "gensim cbow": partial(gensim, False),
}

if __name__ == "__main__":
    answer(SYSTEMS)
