"""The topic models side by side: ours and others', each from the same counts on disk to judged topics.

A system returns seconds (from the counts to judged topics: imports and compiling aside), training_seconds, and npmi and
tu in three readings of its topics; ours also the validation documents' losses. Run one by one in fresh processes: see
`harness.alone`. TopMost's are in `benchmarks.topmost_models`.
"""

import importlib
import importlib.util
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks import topmost_models
from benchmarks.harness import Figures, answer
from data.counts import Counts

Matrix = NDArray[np.floating]

TINY = 1e-12  # in place of a chance of zero, which has no logarithm
NTM = {"mini_batch_size": 128, "num_patience_epochs": 5, "epochs": 100}  # a job of SageMaker's; adadelta is its default
ADAM = {"optimizer": "adam", "num_patience_epochs": 5}  # all else by default: rate 0.01, mini-batches of 256


class Topics(NamedTuple):
    """What a model found. published: (K, V) as it gives them, anything that ranks; chances: (K, V) of words, by topic;
    training_seconds: of its training alone.
    """

    published: Matrix
    chances: Matrix
    training_seconds: float


def documents(counts: Counts, channel: str = "train") -> sparse.csr_matrix:
    """Rows of counts, (N, V) float32."""
    from algorithms.topics.counts import read

    return sparse.vstack([read(url) for url in counts.channel(channel).files], format="csr")


def scored(published: Matrix, rows: sparse.csr_matrix) -> Figures:
    """NPMI of ten words and TU of twenty, as `algorithms.coherence` has them."""
    from algorithms import coherence

    tops = coherence.top_words(published)
    return {
        "npmi": float(coherence.npmi(tops, rows).mean()),
        "tu": float(coherence.topic_uniqueness(tops).mean()),
    }


def readings(found: Topics, rows: sparse.csr_matrix) -> Figures:
    """The same topics read in three ways: as published, by the words' chances, and by their relevance.

    Relevance is how our prodlda and etm rank words. It could be done with any model's topics, so it is.
    """
    import torch

    from algorithms.topics.step import relevance

    chances = found.chances / found.chances.sum(axis=1, keepdims=True)
    logarithms = torch.from_numpy(np.log(chances.astype(np.float64) + TINY))
    ways = {"published": found.published, "chances": chances, "relevance": relevance(logarithms).numpy()}
    return {way: scored(matrix, rows) for way, matrix in ways.items()}


def judged(train: Any, imports: list[str], *, counts: str, **options: Any) -> Figures:
    """Read the counts, train on them, judge the topics. `train` makes `Topics` of rows and words."""
    for module in (*imports, "torch", "algorithms.coherence", "algorithms.topics.counts"):
        importlib.import_module(module)  # before the clock runs
    begun = time.perf_counter()
    index = Counts.load(counts)
    rows = documents(index)
    found: Topics = train(rows, index.vocabulary, **options)
    scored(found.published, rows)
    seconds = time.perf_counter() - begun
    return {"seconds": seconds, "training_seconds": found.training_seconds, **readings(found, rows)}


def ours(
    settings: dict[str, Any], *, counts: str, num_topics: int, threads: int, seed: int, effort: float = 1.0
) -> Figures:
    """Embertext, as its flow trains and stops."""
    # not on top: torch takes a second to import
    from algorithms.early_stopping import WindowStopping
    from algorithms.here import Here
    from algorithms.topics.algorithm import Topics as Form
    from algorithms.topics.corpus import Corpus
    from algorithms.training import train

    form = Form(num_topics=num_topics, **settings)
    form = form.model_copy(update={"epochs": max(1, round(effort * form.epochs))})
    _compile(form, threads)
    begun = time.perf_counter()
    index = Counts.load(counts)
    unseen = documents(index, "validation")
    stopping = WindowStopping(num_patience_epochs=form.num_patience_epochs, tolerance=form.tolerance)
    best, losses, training, epoch = {}, {}, 0.0, 0
    for each in train(form, Corpus(index), cluster=Here(threads), seed=seed):
        training += each.seconds
        if each.number * form.epochs % each.rounds:
            continue
        epoch += 1
        judged_on = form.evaluate(each.state, unseen)
        if stopping.improved(epoch, judged_on["total_loss"]):
            best, losses = {name: np.array(array) for name, array in each.state.items()}, judged_on
        if stopping.over:
            break
    rows, published = documents(index), form.topic_word(best)
    scored(published, rows)
    seconds = time.perf_counter() - begun
    found = Topics(published, _chances(form, best), training)
    speed = epoch * rows.shape[0] / training
    figures = {"seconds": seconds, "training_seconds": training, "documents_per_second": speed, "epochs": epoch}
    return figures | readings(found, rows) | {"total_loss": losses["total_loss"], "kld": losses["kld"]}


def _chances(form: Any, state: Any) -> Matrix:
    """What each topic alone makes of the words: ntm's bias, which its own reading leaves out, included."""
    import torch

    from algorithms.topics import decoders

    tensors = {name: torch.from_numpy(np.asarray(array)) for name, array in state.items()}
    scores = decoders.topic_scores(form, tensors)
    if form.decoder == "ntm":
        scores = scores + tensors["decoder_bias"]
    chances: Matrix = torch.softmax(scores, dim=1).numpy()
    return chances


def _compile(form: Any, threads: int) -> None:
    """Have numba's kernels ready: they are compiled once an installation."""
    from algorithms.here import Here
    from algorithms.topics.corpus import Corpus
    from algorithms.topics.counts import Counting, count
    from algorithms.training import train
    from data import bags

    with tempfile.TemporaryDirectory() as folder:
        little = bags.count(["apple pear plum cherry"] * 40, trained=False)
        counts = count([little], Path(folder), Counting(threshold=0, max_df=1.0), seed=1).counts
        short = form.model_copy(update={"epochs": 1, "mini_batch_size": 16})
        for each in train(short, Corpus(counts), cluster=Here(threads), seed=1):
            short.evaluate(each.state, documents(counts, "validation"))


def nmf(
    rows: sparse.csr_matrix, words: list[str], *, num_topics: int, threads: int, seed: int, effort: float
) -> Topics:
    """Scikit-learn's non-negative matrix factorisation of TF-IDF, as its example of topics has it."""
    from sklearn.decomposition import NMF
    from sklearn.feature_extraction.text import TfidfTransformer

    begun = time.perf_counter()
    model = NMF(num_topics, random_state=seed, max_iter=max(1, round(effort * 200)))
    model.fit(TfidfTransformer().fit_transform(rows))
    return Topics(model.components_, model.components_ + TINY, time.perf_counter() - begun)


def scikit_learn(
    rows: sparse.csr_matrix, words: list[str], *, num_topics: int, threads: int, seed: int, effort: float
) -> Topics:
    """Scikit-learn's LDA, online: in as many passes, ten, better topics than its other way, and sooner."""
    from sklearn.decomposition import LatentDirichletAllocation

    begun = time.perf_counter()
    model = LatentDirichletAllocation(
        num_topics, learning_method="online", max_iter=max(1, round(effort * 10)), n_jobs=threads, random_state=seed
    )
    model.fit(rows)
    return Topics(model.components_, model.components_, time.perf_counter() - begun)


def tomotopy(
    rows: sparse.csr_matrix, words: list[str], *, num_topics: int, threads: int, seed: int, effort: float
) -> Topics:
    """Tomotopy's LDA by collapsed Gibbs sampling, 500 iterations: 1,000 make no better topics of these documents."""
    import tomotopy as package

    model = package.LDAModel(k=num_topics, seed=seed)
    named = np.array(words)
    for start, end in zip(rows.indptr[:-1], rows.indptr[1:], strict=True):
        model.add_doc(np.repeat(named[rows.indices[start:end]], rows.data[start:end].astype(int)).tolist())
    begun = time.perf_counter()
    model.train(max(1, round(effort * 500)), workers=threads)
    seconds = time.perf_counter() - begun
    columns = {word: column for column, word in enumerate(words)}
    topics = np.zeros((num_topics, len(words)))
    topics[:, [columns[word] for word in model.used_vocabs]] = [
        model.get_topic_word_dist(topic) for topic in range(num_topics)
    ]
    return Topics(topics, topics, seconds)


def gensim(
    rows: sparse.csr_matrix, words: list[str], *, num_topics: int, threads: int, seed: int, effort: float
) -> Topics:
    """Gensim's LdaMulticore, 20 passes."""
    from gensim.models import LdaMulticore

    corpus = [
        list(zip(rows.indices[start:end].tolist(), rows.data[start:end].tolist(), strict=True))
        for start, end in zip(rows.indptr[:-1], rows.indptr[1:], strict=True)
    ]
    begun = time.perf_counter()
    model = LdaMulticore(
        corpus, num_topics, id2word=dict(enumerate(words)), workers=threads, passes=max(1, round(effort * 20)),
        random_state=seed,
    )  # fmt: skip
    return Topics(model.get_topics(), model.get_topics(), time.perf_counter() - begun)


def topmost(
    name: str,
    rows: sparse.csr_matrix,
    words: list[str],
    *,
    num_topics: int,
    threads: int,
    seed: int,
    effort: float,
) -> Topics:
    """TopMost's, with all that its package has by default."""
    return Topics(*topmost_models.train(name, rows, words, num_topics, threads=threads, seed=seed, effort=effort))


def missing() -> dict[str, str]:
    """The systems whose package is not installed, and how it is."""
    return {system: how for system, (package, how) in PACKAGES.items() if importlib.util.find_spec(package) is None}


TOPMOST = "pip install --no-deps topmost==1.0.2"  # its own list of requirements would replace torch
PACKAGES = {
    "tomotopy LDA": ("tomotopy", "pip install tomotopy==0.14.0"),
    "TopMost ProdLDA": ("topmost", TOPMOST),
    "TopMost ECRTM": ("topmost", TOPMOST),
}
OURS = {
    "embertext ntm": partial(ours, {"decoder": "ntm", **NTM}),
    "embertext prodlda": partial(ours, {"decoder": "prodlda", **ADAM}),
    "embertext etm": partial(ours, {"decoder": "etm", **ADAM}),
}
PEERS = {
    "NMF on TF-IDF": partial(judged, nmf, ["sklearn.decomposition", "sklearn.feature_extraction.text"]),
    "tomotopy LDA": partial(judged, tomotopy, ["tomotopy"]),
    "gensim LdaMulticore": partial(judged, gensim, ["gensim.models"]),
    "scikit-learn LDA": partial(judged, scikit_learn, ["sklearn.decomposition"]),
    "TopMost ProdLDA": partial(judged, partial(topmost, "ProdLDA"), []),
    "TopMost ECRTM": partial(judged, partial(topmost, "ECRTM"), []),
}
SYSTEMS = OURS | PEERS

if __name__ == "__main__":
    warnings.simplefilter("ignore")  # NMF and LDA tell that they might go on
    answer(SYSTEMS)
