"""Text classification, from labelled text to a published classifier."""

from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from algorithms.text_classification.algorithm import TextClassification
from algorithms.training import Distribution
from data.readers import Tokenizer
from data.storage import check_writable
from flows.form import titled
from tasks import stages
from tasks.against import Judge
from tasks.artifacts import Summary
from tasks.ingest import ingest
from tasks.partition import chosen
from tasks.registry.challenge import challenge
from tasks.registry.drift import Since, changes
from tasks.registry.gate import open_gate
from tasks.registry.register import register
from tasks.registry.settings import Registration
from tasks.text_classification.artifacts import report
from tasks.text_classification.champion import METRICS, beside
from tasks.text_classification.drift import since
from tasks.text_classification.evaluate import evaluate
from tasks.text_classification.publish import publish
from tasks.text_classification.quantize import quantize
from tasks.text_classification.text import held_out, prepare
from tasks.text_classification.train import learn
from tasks.train import machines


@flow(
    name="text-classification",
    description="Learn to tell the classes of texts, judge the classifier, publish it with a report.",
)
@titled
def text_classification(
    train: str = "docs",
    validation: str = "10%",
    text_classification: TextClassification = TextClassification(),  # noqa: B008 - it is frozen
    output: str = "artifacts",
    partition: str = "",
    tokenizer: Tokenizer = "auto",
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 1,
    threads: Annotated[int, Field(ge=0)] = 0,
    workers: Annotated[int, Field(ge=0)] = 0,
    scheduler: str = "",
    distribution: Distribution = "ShardedByS3Key",
    registration: Registration = Registration(),  # noqa: B008
    reuse: bool = True,
    resume: bool = True,
) -> Summary:
    """Ingest, prepare, train, perhaps quantize, evaluate, publish, report.

    Args:
        train: Labelled text: a name (docs, ag_news, dbpedia, sst2, 20newsgroups), or a file, folder, glob or URL of
            __label__ lines, JSON Lines (an augmented manifest too) or class,text rows.
        validation: Labelled text to judge by; or a share of the training examples to hold out for that, such as 10%;
            or nothing.
        text_classification: The hyperparameters.
        output: The folder or URL below which the run's own folder is published.
        partition: Which part of what is laid out by date: a name such as 2026-01-31, 2026-01, 2026-W05, 2026-Q1 or
            2026-01-31T05, or words such as yesterday or "last month Europe/London", counted from when the run is
            scheduled. It fills {partition} in places, and of folders like dt=2026-01-31 takes those that it covers.
            Empty: the day that the run is scheduled for where a place says {partition}, else everything.
        tokenizer: How texts become words. auto: as they are in text files, elsewhere lower-cased words and marks.
        seed: Start of all randomness. With one thread, the same seed gives the same classifier.
        threads: Threads that train, in each worker; 0 means one for each core.
        workers: Processes of a local Dask cluster that tokenise and train together; 0 means this process alone.
        scheduler: Address of a Dask cluster, such as tcp://host:8786, whose workers can read EMBERTEXT_CACHE.
            workers is then how many of them to wait for; 0 means those that there are.
        distribution: What each worker trains on: its share of the corpus, or, FullyReplicated, all of it.
        registration: Under which name the model becomes a version in a registry, and when that is the champion.
        reuse: Take finished stages of an earlier run with the same inputs.
        resume: Go on from the last checkpoint of a training with the same inputs that did not finish.

    """
    form, validation = text_classification, validation.strip()
    share = held_out(validation)
    form.check_validation(bool(validation))
    gate = open_gate(registration, output, algorithm="text-classification", metrics=METRICS)
    partition, output = chosen(partition, output, train, validation)
    check_writable(output)
    where = machines(threads=threads, workers=workers, scheduler=scheduler)

    with stages.work_folder(run="" if reuse else str(flow_run.id)) as work:
        ingested = ingest(train, partition)
        judged_by = ingest(validation, partition) if validation and not share else None
        prepared = prepare(ingested, judged_by, form, share=share, tokenizer=tokenizer, machines=where, work=work)
        trained = learn(prepared, form, machines=where, seed=seed)
        quantized = quantize(prepared, trained, form, machines=where) if form.quantize else None
        evaluated = evaluate(prepared, trained, form, quantized)
        judge = Judge(
            beside,
            {
                "ingested": ingested,
                "validation": judged_by,
                "prepared": prepared,
                "evaluated": evaluated,
                "share": share,
                "tokenizer": tokenizer,
            },
        )
        challenged = challenge(gate, judge)
        challenged = changes(gate, challenged, ingested, Since(since, {"trained": trained}))
        published = publish(
            ingested,
            judged_by,
            prepared,
            trained,
            evaluated,
            form,
            quantized=quantized,
            output=output,
            against=challenged,
        )
        published = register(gate, challenged, published, judge)
        return report(ingested, prepared, trained, evaluated, published, quantized)
