"""Word vectors with other hyperparameters, again and again; the best are published."""

from functools import partial

from prefect import flow

from algorithms.word2vec.algorithm import Word2Vec
from data.readers import Tokenizer
from data.storage import check_writable
from flows.form import Number, Seed, titled
from flows.trials.word2vec import AIM, OfWord2Vec
from flows.tune.whole import tune
from tasks import stages
from tasks.ingest import ingest
from tasks.partition import chosen
from tasks.registry.gate import open_gate
from tasks.registry.settings import Registration
from tasks.tune.artifacts import Tuned
from tasks.tune.settings import Ranges, Tuning
from tasks.tune.sweep import check, planned


@flow(name="tune-word2vec", description="Search the hyperparameters that give the best word vectors, publish those.")
@titled
def tune_word2vec(
    train: str = "docs",
    word2vec: Word2Vec = Word2Vec(),  # noqa: B008 - it is frozen
    ranges: Ranges = "",
    tuning: Tuning = Tuning(),  # noqa: B008
    output: str = "artifacts",
    partition: str = "",
    tokenizer: Tokenizer = "auto",
    seed: Seed = 1,
    threads: Number = 0,
    workers: Number = 0,
    scheduler: str = "",
    analogies: bool = False,
    registration: Registration = Registration(),  # noqa: B008
) -> Tuned:
    """Ingest once; prepare, train, evaluate as often as it takes; publish the best.

    Args:
        train: The corpus: a name (docs, text8, 20newsgroups, ...), or a file, folder, glob or URL of text.
        word2vec: The hyperparameters that are not searched; of those that are, where to begin.
        ranges: Which to search and where: YAML or JSON, or a file or URL of it, such as
            learning_rate: {low: 0.005, high: 0.05}. Empty: those that are recommended for the algorithm.
        tuning: How to search, and until when. The objective is mean_rho unless another is given.
        output: The folder or URL below which the best model and the sweep are published, each in its folder.
        partition: Which part of what is laid out by date: a name such as 2026-01-31, 2026-01, 2026-W05, 2026-Q1 or
            2026-01-31T05, or words such as yesterday or "last month Europe/London", counted from when the run is
            scheduled. It fills {partition} in places, and of folders like dt=2026-01-31 takes those that it covers.
            Empty: the day that the run is scheduled for where a place says {partition}, else everything.
        tokenizer: How lines become words. auto: as they are in text files, lower-cased words elsewhere.
        seed: Start of all randomness.
        threads: Threads that train, in each trial; 0 means all cores, shared out among the trials that run at once.
        workers: Processes of a local Dask cluster, each with a trial at a time; 0 means this process alone.
        scheduler: Address of a Dask cluster, such as tcp://host:8786, whose workers can read EMBERTEXT_CACHE.
        analogies: Also answer Google's analogy questions, for an objective such as analogies.accuracy.
        registration: Under which name the best model becomes a version in a registry, and when that is the champion.

    """
    sweep = partial(planned, AIM, word2vec, ranges, tuning, seed=seed)
    check(sweep())
    gate = open_gate(registration, output, algorithm=AIM.name, metrics=AIM.metrics)
    partition, output = chosen(partition, output, train)
    check_writable(output)

    with stages.work_folder() as work:
        ingested = ingest(train, partition)
        trials = OfWord2Vec(ingested, tokenizer, analogies, seed=seed, work=work)
        return tune(
            sweep(trials.data), trials, gate, output=output, threads=threads, workers=workers, scheduler=scheduler
        )
