"""Tuning: an algorithm's stages, again and again with other hyperparameters; the best model is published.

One flow an algorithm, since one flow is one form. What they share is `_tune`, and in `tasks/tune/`; what a trial of
each does is in `flows/trials.py`.
"""

from functools import partial
from typing import Annotated

from prefect import flow
from pydantic import Field

from algorithms.object2vec.algorithm import Object2Vec
from algorithms.object2vec.pairing import Pairing
from algorithms.text_classification.algorithm import TextClassification
from algorithms.topics.algorithm import Topics
from algorithms.topics.counts import Counting
from algorithms.word2vec.algorithm import Word2Vec
from data.partitions import fill
from data.readers import Tokenizer
from data.storage import check_writable
from flows.form import titled
from flows.object2vec import DEFAULT
from flows.trials import OfObject2Vec, OfTextClassification, OfTopics, OfWord2Vec
from tasks import stages
from tasks.ingest import ingest
from tasks.object2vec.channel import find
from tasks.partition import chosen
from tasks.text_classification.text import held_out
from tasks.topics.text import ingest as ingest_counts
from tasks.train import machines
from tasks.tune.artifacts import Tuned, report
from tasks.tune.publish import publish
from tasks.tune.settings import Ranges, Tuning
from tasks.tune.sweep import Sweep, check, planned, search
from tasks.tune.trial import Stages, as_task

Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Number = Annotated[int, Field(ge=0)]


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

    """
    partition, output = chosen(partition, output, train)
    check_writable(output)
    known = ("mean_rho", "loss")
    sweep = partial(planned, "word2vec", word2vec, ranges, tuning, objective="mean_rho", by_rounds=known, seed=seed)
    check(sweep())

    with stages.work_folder() as work:
        ingested = ingest(train, partition)
        trials = OfWord2Vec(ingested, tokenizer, analogies, seed=seed, work=work)
        whole = sweep({"train": ingested, "tokenizer": tokenizer})
        return _tune(whole, trials, output, threads=threads, workers=workers, scheduler=scheduler)


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

    """
    form, validation = text_classification, validation.strip()
    share = held_out(validation)
    form.check_validation(bool(validation))
    partition, output = chosen(partition, output, train, validation)
    check_writable(output)
    objective = "validation_accuracy" if validation else "train_accuracy"
    known = (objective, "loss") if validation else ()  # without validation no epoch is looked at
    sweep = partial(
        planned, "text_classification", form, ranges, tuning, objective=objective, by_rounds=known, seed=seed
    )
    check(sweep())

    with stages.work_folder() as work:
        ingested = ingest(train, partition)
        judged_by = ingest(validation, partition) if validation and not share else None
        trials = OfTextClassification(ingested, judged_by, share, tokenizer, seed=seed, work=work)
        whole = sweep({"train": ingested, "validation": judged_by, "tokenizer": tokenizer, "share": share})
        return _tune(whole, trials, output, threads=threads, workers=workers, scheduler=scheduler)


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

    """
    partition, output = chosen(partition, output, train, validation, test, reference, vectors)
    check_writable(output)
    known = ("total_loss", "perplexity", "loss")
    sweep = partial(planned, "topics", topics, ranges, tuning, objective="total_loss", by_rounds=known, seed=seed)
    check(sweep())

    with stages.work_folder() as work:
        ingested = ingest_counts(train, partition)
        others = {
            name: ingest_counts(of, partition) for name, of in {"validation": validation, "test": test}.items() if of
        }
        judges = {
            name: ingest_counts(of, partition)
            for name, of in {"vectors": vectors, "reference": reference}.items()
            if of
        }
        trials = OfTopics(ingested, others, judges, counting, seed=seed, work=work)
        whole = sweep({"train": ingested, **others, **judges, "counting": counting.model_dump(mode="json")})
        return _tune(whole, trials, output, threads=threads, workers=workers, scheduler=scheduler)


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

    """
    form = object2vec
    partition, output = chosen(partition, output, train, validation, test, against, auxiliary)
    check_writable(output)
    objective = "validation_mean_squared_error" if form.regression else "validation_cross_entropy"
    known = (objective, "loss") if form.regression else (objective, "validation_accuracy", "loss")
    sweep = partial(planned, "object2vec", form, ranges, tuning, objective=objective, by_rounds=known, seed=seed)
    check(sweep())

    with stages.work_folder() as work:
        files = find(fill(auxiliary, partition), form)
        ingested = ingest(train, partition)
        others = {name: ingest(of, partition) for name, of in {"validation": validation, "test": test}.items() if of}
        aligned = {"train": ingest(against, partition)} if against else {}
        trials = OfObject2Vec(ingested, others, aligned, files, pairing, seed=seed, work=work)
        told = {"pairing": pairing.model_dump(mode="json"), "auxiliary": files.model_dump(mode="json")}
        whole = sweep({"train": ingested, **others, "against": aligned.get("train"), **told})
        return _tune(whole, trials, output, threads=threads, workers=workers, scheduler=scheduler)


def _tune(sweep: Sweep, trials: Stages, output: str, *, threads: int, workers: int, scheduler: str) -> Tuned:
    """Prepare what all trials share, run them, publish the best and the sweep."""
    if not sweep.searches(*trials.prepared_by):  # what is wrong with the data is told now, and once
        trials.prepare(sweep.form, machines(threads=threads, workers=workers, scheduler=scheduler), as_task)
    swept = search(sweep, trials, threads=threads, workers=workers, scheduler=scheduler)
    learned = trials(swept.form, swept.machines, as_task)
    best = trials.publish(learned, swept.form, output=output)
    published = publish(swept, trials.ingested, best, output=output)
    return report(swept, trials.ingested, learned, best, published)
