"""The whole line in one run: text in; out a model that was searched for, trained on all workers, judged, published."""

from prefect import flow

from data.storage import check_writable
from flows.best import publish_best
from flows.form import Number, Seed, titled
from flows.lines import Algorithm, Places, Settings, line
from tasks import stages
from tasks.cluster import shared
from tasks.partition import chosen
from tasks.pipeline.artifacts import Piped, report
from tasks.pipeline.boxes import Run
from tasks.pipeline.follow import following
from tasks.pipeline.publish import publish
from tasks.registry.gate import open_gate
from tasks.registry.settings import Registration
from tasks.topics.records import read_back
from tasks.train import machines
from tasks.tune.artifacts import report as report_sweep
from tasks.tune.publish import publish as publish_sweep
from tasks.tune.settings import Ranges, Tuning
from tasks.tune.sweep import check, search
from tasks.tune.trial import as_task

SEARCH = Tuning(max_jobs=6, max_parallel_jobs=2, early_stopping_type="median")


@flow(name="pipeline", description="From text to a published model: count, convert, search, train, judge, publish.")
@titled
def pipeline(
    algorithm: Algorithm = "topics",
    train: str = "docs",
    validation: str = "",
    test: str = "",
    hyperparameters: Settings = "",
    ranges: Ranges = "",
    tuning: Tuning = SEARCH,
    output: str = "artifacts",
    partition: str = "",
    seed: Seed = 1,
    threads: Number = 0,
    workers: Number = 2,
    scheduler: str = "",
    registration: Registration = Registration(),  # noqa: B008 - it is frozen
) -> Piped:
    """Ingest, tokenise and count, convert to RecordIO, search, train the best on all workers, evaluate, publish.

    Args:
        algorithm: What is to be learned from the text.
        train: Text, or ready counts, labelled text or pairs, as the algorithm's own flow takes it: a name (docs,
            20newsgroups, ...), or a file, folder, glob or URL.
        validation: The same to judge trials by, or, for text-classification, a share such as 10%. Empty: a tenth of
            train is held out. word2vec takes none: it is judged by what people say of words.
        test: The same to judge the final model by. Empty: where there is no validation either, another tenth of train
            is held out, but for text-classification. word2vec takes none.
        hyperparameters: Those that are not searched; of those that are, where to begin. YAML or JSON, such as
            {num_topics: 50, min_df: 5}. Settings of how text becomes numbers are among them. Empty: the algorithm's.
        ranges: Which to search and where: YAML or JSON, or a file or URL of it, such as
            learning_rate: {low: 0.0001, high: 0.1}. Empty: those that are recommended for the algorithm.
        tuning: How to search, and until when. The objective is the algorithm's own unless another is given.
        output: The folder or URL below which model, sweep and pipeline are published, each in its folder.
        partition: Which part of what is laid out by date: a name such as 2026-01-31, 2026-01, 2026-W05, 2026-Q1 or
            2026-01-31T05, or words such as yesterday or "last month Europe/London", counted from when the run is
            scheduled. It fills {partition} in places, and of folders like dt=2026-01-31 takes those that it covers.
            Empty: the day that the run is scheduled for where a place says {partition}, else everything.
        seed: Start of all randomness.
        threads: Threads that train, in each worker; 0 means one for each core.
        workers: Processes of one local Dask cluster that count, run the trials, and train the best together; 0 means
            this process alone.
        scheduler: Address of a Dask cluster, such as tcp://host:8786, whose workers can read EMBERTEXT_CACHE.
            workers is then how many of them to wait for.
        registration: Under which name the model becomes a version in a registry, and when that is the champion.

    """
    name, place = chosen(partition, output, train, validation, test)
    places = Places(train, validation, test, name)
    of = line(algorithm, places, hyperparameters, ranges, several=workers > 1 or bool(scheduler))
    check(of.sweep(tuning, seed=seed))
    gate = open_gate(registration, output, algorithm=of.aim.name, metrics=of.aim.metrics)
    check_writable(place)
    where = machines(threads=threads, workers=workers, scheduler=scheduler)

    with (
        stages.work_folder() as work,
        shared(threads=threads, workers=workers, scheduler=scheduler),
        following("ingest", "prepare", "search", "train", "publish") as done,
    ):
        trials, unseen = of.begin(seed, work)
        done()
        prepared = trials.prepare(of.form, where, as_task)
        records = read_back(prepared, machines=where) if algorithm == "topics" else None
        done()
        sweep = of.sweep(tuning, trials.data, seed=seed)
        swept = search(sweep, trials, threads=where["threads"], workers=workers, scheduler=scheduler)
        done()
        learned = trials(swept.form, where, as_task)  # the best once more, and now by all workers together
        done()
        model = publish_best(gate, trials, learned, swept.form, output=place)
        trials.report(learned, model, swept.form)
        searched = report_sweep(
            swept, trials.ingested, learned, model, publish_sweep(swept, trials.ingested, model, output=place)
        )
        run = Run(
            algorithm, where, trials.ingested, prepared, records, searched, learned.trained, learned.evaluated, model,
            unseen(stages.taken(model)) if unseen else None,
        )  # fmt: skip
        return report(run, publish(run, swept.form, seed=seed, output=place))
