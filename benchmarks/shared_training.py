"""Three trainings, each shared out among workers: one worker and two in turns, and what both came to.

A training is prepared once, in a folder, and run for each seed in a process of its own, with a local Dask cluster for
each number of workers: whatever slows the machine down meanwhile, slows both. Where none is asked for, the process
itself trains. See `harness.alone`.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from algorithms.state import State
from algorithms.training import Round, train
from benchmarks.harness import Figures, answer
from tasks import cluster

TOPICS = 20
POOL = 2000  # articles that a sentence is looked for among
READY = "ready"  # an empty file that says that a folder is whole


class Shared(NamedTuple):
    """One training. units: of what is counted, in an epoch; begin: the state of a seed, None for the form's own.

    judge: what the model is worth after the last round; after each epoch, where `over` says when to end.
    """

    form: Any
    corpus: Any
    units: int
    judge: Callable[[State], float]
    begin: Callable[[int], State | None] = lambda seed: None
    over: Callable[[Sequence[float]], bool] = lambda judged: False
    every_epoch: bool = False


def compared(name: str, *, folder: str, workers: Sequence[int], threads: int, seed: int, quick: bool) -> Figures:
    """By the number of workers: what its rounds took, and how good the model was after some of them."""
    shared = LOADED[name](folder, quick)
    found: dict[int, Figures] = {number: {"rounds": [], "judged": []} for number in workers}
    with ExitStack() as stack:
        going: dict[int, Iterator[Round]] = {}
        for number in workers:
            where = stack.enter_context(cluster.connect(threads=threads, workers=number, scheduler=""))
            # as the flow does it: several share Object2Vec's mini-batch
            form = shared.form.among(max(1, number)) if hasattr(shared.form, "among") else shared.form
            going[number] = train(form, shared.corpus, cluster=where, state=shared.begin(seed), seed=seed)
            stack.callback(going[number].close)  # type: ignore[attr-defined]
        done = dict.fromkeys(workers, 0.0)
        while done:
            number = min(done, key=done.__getitem__)  # rounds need not be as long
            each = next(going[number])
            done[number] = each.progress
            if not _further(shared, each, found[number]):
                del done[number]
    return {"workers": {str(number): figures for number, figures in found.items()}}


def _further(shared: Shared, each: Round, found: Figures) -> bool:
    """Note a round, judge the model if it is time; whether to go on."""
    found["rounds"].append(told(each, shared.form.epochs, shared.units))
    last = each.number == each.rounds
    if last or (shared.every_epoch and each.number * shared.form.epochs % each.rounds == 0):
        found["judged"].append(shared.judge(each.state))
        last = last or shared.over(found["judged"])
    return not last


def told(each: Round, epochs: int, units: int) -> Figures:
    """A round as figures. units: of what is counted; shares: the seconds that each worker trained for."""
    return {
        "epoch": math.ceil(each.number * epochs / each.rounds),
        "units": units * epochs / each.rounds,
        "words": each.words,
        "seconds": each.seconds,
        "merging": each.merging,
        "shares": [share.seconds for share in each.shares],
    }


def text8(folder: str, quick: bool) -> Shared:
    """Wikipedia in text8's form, five epochs of batch_skipgram."""
    from algorithms import metrics
    from algorithms.word2vec.algorithm import Word2Vec
    from data import gold
    from data.corpus import Corpus as Words

    form = Word2Vec(mode="batch_skipgram", epochs=1 if quick else 5)
    corpus = Words.load(folder)

    def judge(state: State) -> float:
        lookup = metrics.exact(corpus.vocabulary.words, form.vectors(state))
        return float(metrics.evaluate_wordsim(gold.wordsim(), lookup)["mean_rho"])

    return Shared(form, corpus, corpus.tokens, judge)


def topics(folder: str, quick: bool) -> Shared:
    """20 Newsgroups as SageMaker's own job has it: its decoder, its optimizer, its mini-batches, its early stopping."""
    from algorithms.early_stopping import WindowStopping
    from algorithms.topics.algorithm import Topics
    from algorithms.topics.corpus import Corpus as Documents
    from benchmarks import topic_models
    from data.counts import Counts

    form = Topics(num_topics=TOPICS, decoder="ntm", **{**topic_models.NTM, **({"epochs": 8} if quick else {})})
    counts = Counts.load(folder)
    unseen = topic_models.documents(counts, "validation")

    def judge(state: State) -> float:
        return float(form.evaluate(state, unseen)["total_loss"])

    def over(losses: Sequence[float]) -> bool:
        stopping = WindowStopping(num_patience_epochs=form.num_patience_epochs, tolerance=form.tolerance)
        for epoch, loss in enumerate(losses, 1):
            stopping.improved(epoch, loss)
        return stopping.over

    documents = topic_models.documents(counts).shape[0]
    return Shared(form, Documents(counts), documents, judge, over=over, every_epoch=True)


def articles(folder: str, quick: bool) -> Shared:
    """Sentences of articles, each against the rest of its own: `benchmarks.towers`. Begins from word vectors."""
    from algorithms.object2vec.algorithm import Object2Vec
    from benchmarks import documents, judging, towers
    from data.pairs import Pairs

    form = Object2Vec.model_validate({**towers.ARTICLES, **({"epochs": 1} if quick else {})})
    pairs = Pairs.load(folder)
    found = documents.articles(small=quick)
    vectors = towers.begun(str(Path(folder) / "words"), pairs)
    pool = POOL // documents.SMALL if quick else POOL

    def begin(seed: int) -> State:
        return form.init(pairs, vectors0=vectors, vectors1=vectors, seed=seed)

    def judge(state: State) -> float:
        embed = towers.embedding(towers.Trained(form, state, 0, 0), pairs)
        return float(judging.retrieval(found, [pool], embed)["pools"][str(pool)]["hits@10"])

    return Shared(form, pairs, pairs.train.size, judge, begin)


def prepare(name: str, *, folder: str, threads: int, quick: bool) -> Figures:
    """Have all that a training reads in a folder, unless it is there."""
    begun = time.perf_counter()
    if not (Path(folder) / READY).exists():
        Path(folder).mkdir(parents=True, exist_ok=True)
        PREPARED[name](Path(folder), threads, quick)
        (Path(folder) / READY).touch()
    return {"seconds": time.perf_counter() - begun}


def _text8(folder: Path, threads: int, quick: bool) -> None:
    from algorithms.counting import count_and_encode
    from benchmarks import harness, peers
    from data import readers, sources

    source = sources.find(str(harness.plain_text("text8")), cache=folder)
    blocks = (block.data for block in readers.blocks(source, tokenizer="whitespace"))
    count_and_encode(blocks, folder, min_count=peers.MIN_COUNT)


def _topics(folder: Path, threads: int, quick: bool) -> None:
    from benchmarks import topic_totals

    topic_totals.prepared(folder, every=1, threads=threads)


def _articles(folder: Path, threads: int, quick: bool) -> None:
    from algorithms.object2vec.pairing import Pairing
    from benchmarks import documents, embedders, towers

    found = documents.articles(small=quick)
    texts = documents.read_lines(found.train)
    (folder / "words").mkdir(exist_ok=True)
    embedders.averaged(texts, threads=threads, seed=1, folder=str(folder / "words"))
    pairing = Pairing(tokenizer=documents.TOKENIZER, min_count=embedders.MIN_COUNT, sentences=towers.SENTENCES)
    towers.prepared(found.documents, folder, pairing, seed=1).save(str(folder))


LOADED: dict[str, Callable[[str, bool], Shared]] = {"text8": text8, "topics": topics, "articles": articles}
PREPARED: dict[str, Callable[[Path, int, bool], None]] = {"text8": _text8, "topics": _topics, "articles": _articles}
SYSTEMS: dict[str, Callable[..., Figures]] = {
    **{name: partial(compared, name) for name in LOADED},
    **{f"prepare {name}": partial(prepare, name) for name in PREPARED},
}

if __name__ == "__main__":
    answer(SYSTEMS)
