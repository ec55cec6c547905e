"""Learning the vectors as a stage."""

import time

from prefect import task

from algorithms.training import Distribution, train
from algorithms.word2vec.algorithm import Word2Vec
from data.corpus import Corpus
from tasks import cluster, stages
from tasks.checkpoints import checkpoints
from tasks.network import NETWORK
from tasks.progress import progress
from tasks.train import SHARDED, Machines, Trained, follow, history_entry, replicated, save, words_per_second
from tasks.watch import epoch_over, watching
from tasks.word2vec.evaluate import similarity
from tasks.word2vec.text import Prepared


@task(
    name="train",
    description="Learn the vectors: all threads of this machine, or a Dask cluster.",
    **NETWORK,
)
def learn(
    prepared: Prepared,
    word2vec: Word2Vec,
    *,
    machines: Machines,
    seed: int,
    distribution: Distribution = SHARDED,
    resume: bool = True,
) -> Trained:
    """A folder with the state, the vocabulary and the history of its rounds."""
    start = time.perf_counter()
    url = stages.folder(
        "train",
        work=prepared.work,
        prepared=prepared.key,
        word2vec=word2vec.model_dump(exclude={"evaluation"}),
        seed=seed,
        **machines,
        **replicated(distribution),
    )
    if done := stages.finished(url, Trained):
        return stages.reused(done)
    with (
        progress("train", artifact="word2vec-training") as report,
        checkpoints(url, resume=resume) as kept,
        stages.workbench(url) as scratch,
        cluster.connect(**machines) as where,
    ):
        kept.as_before(where)
        word2vec.check_workers(where.workers)
        corpus = Corpus.load(prepared.url)
        history = kept.history
        rounds = train(
            word2vec,
            corpus,
            cluster=where,
            state=kept.state,
            seed=seed,
            first=kept.first,
            distribution=distribution,
        )
        for each in follow(rounds, report, learning_rate=word2vec.learning_rate, kept=kept, dashboard=where.dashboard):
            history.append(history_entry(each))
            if each.number == each.rounds:
                state = each.state
            if watching() and word2vec.evaluation and each.number * word2vec.epochs % each.rounds == 0:
                judged = similarity(word2vec, each.state, corpus.vocabulary)
                epoch = each.number * word2vec.epochs // each.rounds
                epoch_over(history[-1] | {"epoch": epoch, "mean_rho": judged["mean_rho"]})
        trained = Trained(
            url=url,
            seconds=time.perf_counter() - start,
            words_per_second=words_per_second(history),
            loss=history[-1]["loss"],
            rounds=len(history),
            seed=seed,
            threads=where.threads,
            workers=where.workers,
        )
        save(scratch, state=state, vocabulary=corpus.vocabulary, history=history)
        stages.conclude(scratch, trained)
    return trained
