"""Word2Vec, from raw text to published vectors."""

from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from algorithms.training import Distribution
from algorithms.word2vec.algorithm import Word2Vec
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
from tasks.train import machines
from tasks.word2vec.artifacts import report
from tasks.word2vec.champion import METRICS, beside
from tasks.word2vec.drift import since
from tasks.word2vec.evaluate import evaluate
from tasks.word2vec.publish import publish
from tasks.word2vec.text import prepare
from tasks.word2vec.train import learn


@flow(name="word2vec", description="Learn word vectors from raw text, judge them, publish them with a report.")
@titled
def word2vec(
    train: str = "docs",
    word2vec: Word2Vec = Word2Vec(),  # noqa: B008 - it is frozen
    output: str = "artifacts",
    partition: str = "",
    tokenizer: Tokenizer = "auto",
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 1,
    threads: Annotated[int, Field(ge=0)] = 0,
    workers: Annotated[int, Field(ge=0)] = 0,
    scheduler: str = "",
    distribution: Distribution = "ShardedByS3Key",
    analogies: bool = False,
    registration: Registration = Registration(),  # noqa: B008
    reuse: bool = True,
    resume: bool = True,
) -> Summary:
    """Ingest, prepare, train, evaluate, publish, report.

    Args:
        train: The corpus: a name (docs, text8, 20newsgroups, ...), or a file, folder, glob or URL of text.
        word2vec: The hyperparameters.
        output: The folder or URL below which the run's own folder is published.
        partition: Which part of what is laid out by date: a name such as 2026-01-31, 2026-01, 2026-W05, 2026-Q1 or
            2026-01-31T05, or words such as yesterday or "last month Europe/London", counted from when the run is
            scheduled. It fills {partition} in places, and of folders like dt=2026-01-31 takes those that it covers.
            Empty: the day that the run is scheduled for where a place says {partition}, else everything.
        tokenizer: How lines become words. auto: as they are in text files, lower-cased words elsewhere.
        seed: Start of all randomness. With one thread, the same seed gives the same vectors.
        threads: Threads that train, in each worker; 0 means one for each core.
        workers: Processes of a local Dask cluster that train together; 0 means this process alone.
        scheduler: Address of a Dask cluster, such as tcp://host:8786, whose workers can read EMBERTEXT_CACHE.
            workers is then how many of them to wait for; 0 means those that there are.
        distribution: What each worker trains on: its share of the corpus, or, FullyReplicated, all of it.
        analogies: Also answer Google's analogy questions.
        registration: Under which name the model becomes a version in a registry, and when that is the champion.
        reuse: Take finished stages of an earlier run with the same inputs.
        resume: Go on from the last checkpoint of a training with the same inputs that did not finish.

    """
    word2vec.check_workers(workers)
    gate = open_gate(registration, output, algorithm="word2vec", metrics=METRICS)
    partition, output = chosen(partition, output, train)
    check_writable(output)
    where = machines(threads=threads, workers=workers, scheduler=scheduler)

    with stages.work_folder(run="" if reuse else str(flow_run.id)) as work:
        ingested = ingest(train, partition)
        prepared = prepare(ingested, tokenizer=tokenizer, min_count=word2vec.min_count, work=work)
        trained = learn(prepared, word2vec, machines=where, seed=seed, distribution=distribution, resume=resume)
        evaluated = evaluate(trained, word2vec, analogies=analogies)
        judge = Judge(beside, {"trained": trained, "form": word2vec, "judged_by": registration.judged_by})
        challenged = challenge(gate, judge)
        challenged = changes(gate, challenged, ingested, Since(since, {"trained": trained, "form": word2vec}))
        published = publish(ingested, prepared, trained, evaluated, word2vec, output=output, against=challenged)
        published = register(gate, challenged, published, judge)
        return report(ingested, prepared, trained, evaluated, published)
