"""Object2Vec, from documents, texts or ids to a published model that tells which belong together."""

from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from algorithms.object2vec.algorithm import Object2Vec
from algorithms.object2vec.pairing import Pairing
from algorithms.training import Distribution
from data.partitions import fill
from data.storage import check_writable
from flows.form import titled
from tasks import stages
from tasks.against import Judge
from tasks.artifacts import Summary
from tasks.ingest import ingest
from tasks.object2vec.artifacts import report
from tasks.object2vec.champion import beside, metrics_of
from tasks.object2vec.channel import find
from tasks.object2vec.drift import since
from tasks.object2vec.evaluate import evaluate
from tasks.object2vec.publish import publish
from tasks.object2vec.text import prepare
from tasks.object2vec.train import learn
from tasks.partition import chosen
from tasks.registry.challenge import challenge
from tasks.registry.drift import Since, changes
from tasks.registry.gate import open_gate
from tasks.registry.register import register
from tasks.registry.settings import Registration
from tasks.train import machines

# SageMaker's own defaults are those of the form: two convolutional networks of 4096 numbers, which take hours without a
# GPU, and no negatives, without which documents teach nothing
DEFAULT = Object2Vec(
    enc0_network="pooled_embedding",
    enc0_max_seq_len=250,
    enc_dim=256,
    tied_encoders=True,
    token_embedding_storage_type="row_sparse",
    comparator_list="cosine",
    mlp_layers=0,
    negative_sampling_rate=5,
    mini_batch_size=512,
    learning_rate=0.01,
    epochs=5,
)


@flow(
    name="object2vec",
    description="Learn which texts, or other things, belong together; judge it; publish the model with a report.",
)
@titled
def object2vec(
    train: str = "docs",
    validation: str = "",
    test: str = "",
    against: str = "",
    pairing: Pairing = Pairing(),  # noqa: B008 - it is frozen
    object2vec: Object2Vec = DEFAULT,
    auxiliary: str = "",
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
    """Ingest, prepare, train, evaluate, publish, report.

    Args:
        train: Pairs: JSON Lines with in0 and in1, ids or texts, and a label; or documents, a name (docs, 20newsgroups,
            ...), or a file, folder, glob or URL of them, that become pairs of a sentence and the rest.
        validation: The same to judge by after each epoch. Without it, and without test, a tenth of the pairs each is
            held out.
        test: The same to judge the final model by.
        against: A text file whose lines belong to those of train, one by one.
        pairing: How texts become pairs of ids.
        object2vec: The hyperparameters. Their defaults are not SageMaker's but such that documents are learned from in
            a minute.
        auxiliary: The folder or URL with the files that the hyperparameters name: vocabularies as JSON, vectors of
            words to begin with as text.
        output: The folder or URL below which the run's own folder is published.
        partition: Which part of what is laid out by date: a name such as 2026-01-31, 2026-01, 2026-W05, 2026-Q1 or
            2026-01-31T05, or words such as yesterday or "last month Europe/London", counted from when the run is
            scheduled. It fills {partition} in places, and of folders like dt=2026-01-31 takes those that it covers.
            Empty: the day that the run is scheduled for where a place says {partition}, else everything.
        seed: Start of all randomness. With one thread, the same seed gives the same model.
        threads: Threads that train, in each worker; 0 means one for each core.
        workers: Processes of a local Dask cluster that prepare and train together; 0 means this process alone.
        scheduler: Address of a Dask cluster, such as tcp://host:8786, whose workers can read EMBERTEXT_CACHE.
            workers is then how many of them to wait for; 0 means those that there are.
        distribution: What each worker trains on: its share of the corpus, or, FullyReplicated, all of it.
        registration: Under which name the model becomes a version in a registry, and when that is the champion.
        reuse: Take finished stages of an earlier run with the same inputs.
        resume: Go on from the last checkpoint of a training with the same inputs that did not finish.

    """
    form = object2vec
    gate = open_gate(registration, output, algorithm="object2vec", metrics=metrics_of(form))
    partition, output = chosen(partition, output, train, validation, test, against, auxiliary)
    check_writable(output)
    where = machines(threads=threads, workers=workers, scheduler=scheduler)

    with stages.work_folder(run="" if reuse else str(flow_run.id)) as work:
        files = find(fill(auxiliary, partition), form)
        ingested = ingest(train, partition)
        others = {name: ingest(of, partition) for name, of in {"validation": validation, "test": test}.items() if of}
        aligned = {"train": ingest(against, partition)} if against else {}
        prepared = prepare(
            ingested,
            others,
            aligned,
            pairing,
            num_classes=0 if form.regression else form.num_classes,
            vocab_sizes=form.vocab_sizes,
            negative_sampling_rate=form.negative_sampling_rate,
            seed=seed,
            machines=where,
            work=work,
        )
        trained = learn(prepared, files, form, machines=where, seed=seed, distribution=distribution, resume=resume)
        evaluated = evaluate(prepared, trained, form, pairing)
        given = others | ({"against": aligned["train"]} if aligned else {})
        judge = Judge(
            beside, {"prepared": prepared, "trained": trained, "evaluated": evaluated, "form": form, "pairing": pairing}
        )
        challenged = challenge(gate, judge)
        challenged = changes(gate, challenged, ingested, Since(since, {"trained": trained, "form": form}))
        published = publish(
            ingested,
            given,
            files,
            prepared,
            trained,
            evaluated,
            form,
            pairing,
            output=output,
            against=challenged,
        )
        published = register(gate, challenged, published, judge)
        return report(ingested, prepared, trained, evaluated, published)
