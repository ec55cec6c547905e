"""Topics, from raw text, or from counts, to a published neural topic model."""

from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from algorithms.topics.algorithm import Topics
from algorithms.topics.counts import Counting
from algorithms.training import Distribution
from data.storage import check_writable
from flows.form import titled
from tasks import stages
from tasks.against import Judge
from tasks.artifacts import Summary
from tasks.partition import chosen
from tasks.registry.challenge import challenge
from tasks.registry.drift import Since, changes
from tasks.registry.gate import open_gate
from tasks.registry.register import register
from tasks.registry.settings import Registration
from tasks.topics.artifacts import report
from tasks.topics.champion import METRICS, beside
from tasks.topics.compare import contest
from tasks.topics.drift import since
from tasks.topics.evaluate import check, evaluate
from tasks.topics.publish import publish
from tasks.topics.text import ingest, prepare
from tasks.topics.train import learn
from tasks.topics.vectors import look_up
from tasks.train import machines


@flow(name="topics", description="Find the topics of a text, judge them, publish the model with a report.")
@titled
def topics(
    train: str = "docs",
    validation: str = "",
    test: str = "",
    counting: Counting = Counting(),  # noqa: B008 - it is frozen
    topics: Topics = Topics(),  # noqa: B008
    reference: str = "",
    vectors: str = "",
    compare: bool = False,
    output: str = "artifacts",
    partition: str = "",
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 1,
    threads: Annotated[int, Field(ge=0)] = 0,
    workers: Annotated[int, Field(ge=0)] = 0,
    scheduler: str = "",
    distribution: Distribution = "ShardedByS3Key",
    registration: Registration = Registration(),  # noqa: B008
    reuse: bool = True,
    resume: bool = True,
) -> Summary:
    """Ingest, prepare, train, evaluate, perhaps compare, publish, report.

    Args:
        train: Text: a name (docs, 20newsgroups, ...), or a file, folder, glob or URL of it; or counts that are ready,
            RecordIO-protobuf or CSV rows, with vocab.txt beside them.
        validation: The same to judge by after each epoch. Without it, and without test, a tenth of the text each is
            held out.
        test: The same to judge the final model by.
        counting: How text becomes counts.
        topics: The hyperparameters.
        reference: Text, or counts, to judge coherence by instead of the training text.
        vectors: Word vectors to judge topics by (WETC), and for etm to stand on where it is the decoder: word2vec's or
            GloVe's text, or the model.tar.gz that word2vec publishes.
        compare: Train the other decoders too, and say in the report which wins.
        output: The folder or URL below which the run's own folder is published.
        partition: Which part of what is laid out by date: a name such as 2026-01-31, 2026-01, 2026-W05, 2026-Q1 or
            2026-01-31T05, or words such as yesterday or "last month Europe/London", counted from when the run is
            scheduled. It fills {partition} in places, and of folders like dt=2026-01-31 takes those that it covers.
            Empty: the day that the run is scheduled for where a place says {partition}, else everything.
        seed: Start of all randomness. With one thread, the same seed gives the same topics.
        threads: Threads that train, in each worker; 0 means one for each core.
        workers: Processes of a local Dask cluster that count and train together; 0 means this process alone.
        scheduler: Address of a Dask cluster, such as tcp://host:8786, whose workers can read EMBERTEXT_CACHE.
            workers is then how many of them to wait for; 0 means those that there are.
        distribution: What each worker trains on: its share of the corpus, or, FullyReplicated, all of it.
        registration: Under which name the model becomes a version in a registry, and when that is the champion.
        reuse: Take finished stages of an earlier run with the same inputs.
        resume: Go on from the last checkpoint of a training with the same inputs that did not finish.

    """
    form = topics
    gate = open_gate(registration, output, algorithm="topics", metrics=METRICS)
    partition, output = chosen(partition, output, train, validation, test, reference, vectors)
    check_writable(output)
    where = machines(threads=threads, workers=workers, scheduler=scheduler)

    with stages.work_folder(run="" if reuse else str(flow_run.id)) as work:
        ingested = ingest(train, partition)
        others = {name: ingest(of, partition) for name, of in {"validation": validation, "test": test}.items() if of}
        judges = {
            name: ingest(of, partition) for name, of in {"vectors": vectors, "reference": reference}.items() if of
        }
        prepared = prepare(
            ingested, others, counting, feature_dim=form.feature_dim, seed=seed, machines=where, work=work
        )
        known = look_up(prepared, judges["vectors"]) if vectors else None
        other = check(prepared, judges.get("reference"))
        trained = learn(
            prepared, form, vectors=known, machines=where, seed=seed, distribution=distribution, resume=resume
        )
        evaluated = evaluate(prepared, trained, form, counting, vectors=known, reference=other)
        compared = None
        if compare:
            compared = contest(
                prepared, trained, evaluated, form, counting, vectors=known, reference=other, machines=where, seed=seed
            )
        judge = Judge(beside, {"prepared": prepared, "evaluated": evaluated, "counting": counting, "reference": other})
        challenged = challenge(gate, judge)
        compare_by = Since(since, {"trained": trained, "evaluated": evaluated, "form": form})
        challenged = changes(gate, challenged, ingested, compare_by)
        published = publish(
            ingested,
            others | judges,
            prepared,
            trained,
            evaluated,
            form,
            counting,
            compared=compared,
            output=output,
            against=challenged,
        )
        published = register(gate, challenged, published, judge)
        return report(ingested, prepared, trained, evaluated, published, form)
