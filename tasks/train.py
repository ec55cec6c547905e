"""Training as a stage: runs the generator, says how far it is, keeps the state when it is whole."""

import math
import time

from prefect import task

from algorithms.model import save_state
from algorithms.training import Round, train
from algorithms.word2vec.algorithm import Word2Vec
from data import storage
from data.corpus import Corpus
from data.errors import HyperparameterError
from data.process import cores
from tasks import cluster, stages
from tasks.network import NETWORK
from tasks.progress import log, progress
from tasks.text import Prepared

STATE, VOCABULARY, HISTORY = "state.safetensors", "vocabulary.txt", "history.json"


class Trained(stages.Stage, frozen=True):
    """words_per_second: corpus words over all rounds, training time alone; loss: of the last round, per pair."""

    words_per_second: float
    loss: float
    rounds: int
    seed: int
    threads: int
    workers: int


@task(
    name="train",
    description="Learn the vectors: all threads of this machine, or a Dask cluster.",
    **NETWORK,
)
def learn(
    prepared: Prepared, word2vec: Word2Vec, *, threads: int = 0, workers: int = 0, scheduler: str = "", seed: int
) -> Trained:
    """A folder with the state, the vocabulary and the history of its rounds."""
    start = time.perf_counter()
    threads = threads or (0 if workers or scheduler else cores())
    url = stages.folder(
        "train",
        work=prepared.work,
        prepared=prepared.key,
        word2vec=word2vec.model_dump(exclude={"evaluation"}),
        threads=threads,
        workers=workers,
        scheduler=scheduler,
        seed=seed,
    )
    if done := stages.finished(url, Trained):
        return stages.reused(done)
    rounds: list[Round] = []
    with (
        progress("train", artifact="word2vec-training") as report,
        stages.workbench(url) as scratch,
        cluster.connect(threads=threads, workers=workers, scheduler=scheduler) as where,
    ):
        word2vec.check_workers(where.workers)
        corpus = Corpus.load(prepared.url)
        for each in train(word2vec, corpus, cluster=where, seed=seed):
            if not math.isfinite(each.loss):
                raise HyperparameterError(
                    f"training diverged in round {each.number}: the loss is {each.loss}",
                    field="learning_rate",
                    value=word2vec.learning_rate,
                    remedy="choose a smaller learning_rate",
                )
            rounds.append(each._replace(state={}))
            state = each.state
            log().info(
                "round %d of %d: loss %.4f, %s words per second",
                *(each.number, each.rounds, each.loss, f"{each.words_per_second:,.0f}"),
            )
            report(each.progress, f"loss {each.loss:.3f}, {each.words_per_second:,.0f} words/s")
        trained = Trained(
            url=url,
            seconds=time.perf_counter() - start,
            words_per_second=sum(each.words for each in rounds) / sum(each.seconds for each in rounds),
            loss=rounds[-1].loss,
            rounds=len(rounds),
            seed=seed,
            threads=where.threads,
            workers=where.workers,
        )
        save_state(scratch / STATE, state)
        corpus.vocabulary.save(str(scratch / VOCABULARY))
        storage.write_json(str(scratch / HISTORY), [history_entry(each) for each in rounds])
        stages.conclude(scratch, trained)
    return trained


def history_entry(each: Round) -> dict[str, float]:
    """A round as the manifest tells it."""
    return {
        "round": each.number,
        "progress": each.progress,
        "loss": each.loss,
        "words": each.words,
        "seconds": each.seconds,
        "words_per_second": each.words_per_second,
        "learning_rate": each.learning_rate,
    }
