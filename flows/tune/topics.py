"""Topics with other hyperparameters, again and again; the best are published."""

from functools import partial

from prefect import flow

from algorithms.topics.algorithm import Topics
from algorithms.topics.counts import Counting
from data.storage import check_writable
from flows.form import Number, Seed, titled
from flows.trials.topics import AIM, OfTopics
from flows.tune.whole import tune
from tasks import stages
from tasks.partition import chosen
from tasks.registry.gate import open_gate
from tasks.registry.settings import Registration
from tasks.topics.text import ingest
from tasks.tune.artifacts import Tuned
from tasks.tune.settings import Ranges, Tuning
from tasks.tune.sweep import check, planned


@flow(name="tune-topics", description="Search the hyperparameters that give the best topics, publish those.")
@titled
def tune_topics(
    train: str = "docs",
    validation: str = "",
    test: str = "",
    counting: Counting = Counting(),  # noqa: B008
    topics: Topics = Topics(),  # noqa: B008
    reference: str = "",
    vectors: str = "",
    ranges: Ranges = "",
    tuning: Tuning = Tuning(),  # noqa: B008
    output: str = "artifacts",
    partition: str = "",
    seed: Seed = 1,
    threads: Number = 0,
    workers: Number = 0,
    scheduler: str = "",
    registration: Registration = Registration(),  # noqa: B008
) -> Tuned:
    """Ingest and prepare once; train and evaluate as often as it takes; publish the best.

    Args:
        train: Text: a name (docs, 20newsgroups, ...), or a file, folder, glob or URL of it; or counts that are ready,
            RecordIO-protobuf or CSV rows, with vocab.txt beside them.
        validation: The same to judge by after each epoch. Without it, and without test, a tenth of the text each is
            held out.
        test: The same to judge the final model by.
        counting: How text becomes counts.
        topics: The hyperparameters that are not searched; of those that are, where to begin.
        reference: Text, or counts, to judge coherence by instead of the training text.
        vectors: Word vectors to judge topics by (WETC): a vectors.txt, or the model.tar.gz that word2vec publishes.
        ranges: Which to search and where: YAML or JSON, or a file or URL of it, such as
            learning_rate: {low: 0.0001, high: 0.1}. Empty: those that are recommended for the algorithm.
        tuning: How to search, and until when. The objective is total_loss unless another is given, such as npmi.
        output: The folder or URL below which the best model and the sweep are published, each in its folder.
        partition: Which part of what is laid out by date: a name such as 2026-01-31, 2026-01, 2026-W05, 2026-Q1 or
            2026-01-31T05, or words such as yesterday or "last month Europe/London", counted from when the run is
            scheduled. It fills {partition} in places, and of folders like dt=2026-01-31 takes those that it covers.
            Empty: the day that the run is scheduled for where a place says {partition}, else everything.
        seed: Start of all randomness.
        threads: Threads that train, in each trial; 0 means all cores, shared out among the trials that run at once.
        workers: Processes of a local Dask cluster, each with a trial at a time; 0 means this process alone.
        scheduler: Address of a Dask cluster, such as tcp://host:8786, whose workers can read EMBERTEXT_CACHE.
        registration: Under which name the best model becomes a version in a registry, and when that is the champion.

    """
    sweep = partial(planned, AIM, topics, ranges, tuning, seed=seed)
    check(sweep())
    gate = open_gate(registration, output, algorithm=AIM.name, metrics=AIM.metrics)
    partition, output = chosen(partition, output, train, validation, test, reference, vectors)
    check_writable(output)

    with stages.work_folder() as work:
        ingested = ingest(train, partition)
        others = {name: ingest(of, partition) for name, of in {"validation": validation, "test": test}.items() if of}
        judges = {
            name: ingest(of, partition) for name, of in {"vectors": vectors, "reference": reference}.items() if of
        }
        trials = OfTopics(ingested, others, judges, counting, seed=seed, work=work)
        return tune(
            sweep(trials.data), trials, gate, output=output, threads=threads, workers=workers, scheduler=scheduler
        )
