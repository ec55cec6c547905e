"""Classifiers with other hyperparameters, again and again; the best are published."""

from functools import partial

from prefect import flow

from algorithms.text_classification.algorithm import TextClassification
from data.readers import Tokenizer
from data.storage import check_writable
from flows.form import Number, Seed, titled
from flows.trials.text_classification import OfTextClassification, aim
from flows.tune.whole import tune
from tasks import stages
from tasks.ingest import ingest
from tasks.partition import chosen
from tasks.registry.gate import open_gate
from tasks.registry.settings import Registration
from tasks.text_classification.text import held_out
from tasks.tune.artifacts import Tuned
from tasks.tune.settings import Ranges, Tuning
from tasks.tune.sweep import check, planned


@flow(
    name="tune-text-classification",
    description="Search the hyperparameters that give the best classifier, publish that one.",
)
@titled
def tune_text_classification(
    train: str = "docs",
    validation: str = "10%",
    text_classification: TextClassification = TextClassification(),  # noqa: B008
    ranges: Ranges = "",
    tuning: Tuning = Tuning(),  # noqa: B008
    output: str = "artifacts",
    partition: str = "",
    tokenizer: Tokenizer = "auto",
    seed: Seed = 1,
    threads: Number = 0,
    workers: Number = 0,
    scheduler: str = "",
    registration: Registration = Registration(),  # noqa: B008
) -> Tuned:
    """Ingest once; prepare, train, perhaps quantize, evaluate as often as it takes; publish the best.

    Args:
        train: Labelled text: a name (docs, ag_news, dbpedia, sst2, 20newsgroups), or a file, folder, glob or URL of
            __label__ lines, JSON Lines (an augmented manifest too) or class,text rows.
        validation: Labelled text to judge by; or a share of the training examples to hold out for that, such as 10%;
            or nothing.
        text_classification: The hyperparameters that are not searched; of those that are, where to begin.
        ranges: Which to search and where: YAML or JSON, or a file or URL of it, such as
            learning_rate: {low: 0.005, high: 1.0}. Empty: those that are recommended for the algorithm.
        tuning: How to search, and until when. The objective is validation_accuracy unless another is given.
        output: The folder or URL below which the best model and the sweep are published, each in its folder.
        partition: Which part of what is laid out by date: a name such as 2026-01-31, 2026-01, 2026-W05, 2026-Q1 or
            2026-01-31T05, or words such as yesterday or "last month Europe/London", counted from when the run is
            scheduled. It fills {partition} in places, and of folders like dt=2026-01-31 takes those that it covers.
            Empty: the day that the run is scheduled for where a place says {partition}, else everything.
        tokenizer: How texts become words. auto: as they are in text files, elsewhere lower-cased words and marks.
        seed: Start of all randomness.
        threads: Threads that train, in each trial; 0 means all cores, shared out among the trials that run at once.
        workers: Processes of a local Dask cluster, each with a trial at a time; 0 means this process alone.
        scheduler: Address of a Dask cluster, such as tcp://host:8786, whose workers can read EMBERTEXT_CACHE.
        registration: Under which name the best model becomes a version in a registry, and when that is the champion.

    """
    form, validation = text_classification, validation.strip()
    share = held_out(validation)
    form.check_validation(bool(validation))
    sought = aim(validation)
    sweep = partial(planned, sought, form, ranges, tuning, seed=seed)
    check(sweep())
    gate = open_gate(registration, output, algorithm=sought.name, metrics=sought.metrics)
    partition, output = chosen(partition, output, train, validation)
    check_writable(output)

    with stages.work_folder() as work:
        ingested = ingest(train, partition)
        judged_by = ingest(validation, partition) if validation and not share else None
        trials = OfTextClassification(ingested, judged_by, share, tokenizer, seed=seed, work=work)
        return tune(
            sweep(trials.data), trials, gate, output=output, threads=threads, workers=workers, scheduler=scheduler
        )
