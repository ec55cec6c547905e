"""Object2Vec with other hyperparameters, again and again; the best are published."""

from functools import partial

from prefect import flow

from algorithms.object2vec.algorithm import Object2Vec
from algorithms.object2vec.pairing import Pairing
from data.partitions import fill
from data.storage import check_writable
from flows.form import Number, Seed, titled
from flows.object2vec import DEFAULT
from flows.trials.object2vec import OfObject2Vec, aim
from flows.tune.whole import tune
from tasks import stages
from tasks.ingest import ingest
from tasks.object2vec.channel import find
from tasks.partition import chosen
from tasks.registry.gate import open_gate
from tasks.registry.settings import Registration
from tasks.tune.artifacts import Tuned
from tasks.tune.settings import Ranges, Tuning
from tasks.tune.sweep import check, planned


@flow(
    name="tune-object2vec",
    description="Search the hyperparameters that tell best which texts belong together, publish that model.",
)
@titled
def tune_object2vec(
    train: str = "docs",
    validation: str = "",
    test: str = "",
    against: str = "",
    pairing: Pairing = Pairing(),  # noqa: B008
    object2vec: Object2Vec = DEFAULT,
    auxiliary: str = "",
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
    """Ingest once; prepare, train, evaluate as often as it takes; publish the best.

    Args:
        train: Pairs: JSON Lines with in0 and in1, ids or texts, and a label; or documents, a name (docs, 20newsgroups,
            ...), or a file, folder, glob or URL of them, that become pairs of a sentence and the rest.
        validation: The same to judge by after each epoch. Without it, and without test, a tenth of the pairs each is
            held out.
        test: The same to judge the final model by.
        against: A text file whose lines belong to those of train, one by one.
        pairing: How texts become pairs of ids.
        object2vec: The hyperparameters that are not searched; of those that are, where to begin.
        auxiliary: The folder or URL with the files that the hyperparameters name: vocabularies as JSON, vectors of
            words to begin with as text.
        ranges: Which to search and where: YAML or JSON, or a file or URL of it, such as
            learning_rate: {low: 0.0001, high: 0.1}. Empty: those that are recommended for the algorithm.
        tuning: How to search, and until when. The objective is validation_cross_entropy, or of a regression
            validation_mean_squared_error, unless another is given, such as hits@10.
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
    form = object2vec
    sought = aim(form)
    sweep = partial(planned, sought, form, ranges, tuning, seed=seed)
    check(sweep())
    gate = open_gate(registration, output, algorithm=sought.name, metrics=sought.metrics)
    partition, output = chosen(partition, output, train, validation, test, against, auxiliary)
    check_writable(output)

    with stages.work_folder() as work:
        files = find(fill(auxiliary, partition), form)
        ingested = ingest(train, partition)
        others = {name: ingest(of, partition) for name, of in {"validation": validation, "test": test}.items() if of}
        aligned = {"train": ingest(against, partition)} if against else {}
        trials = OfObject2Vec(ingested, others, aligned, files, pairing, seed=seed, work=work)
        return tune(
            sweep(trials.data), trials, gate, output=output, threads=threads, workers=workers, scheduler=scheduler
        )
