"""Batch transform: a folder of inputs to a folder of answers, by a model that is there already."""

from typing import Annotated, Literal

from prefect import flow
from pydantic import Field

from data.registry.reference import resolved
from data.storage import absolute, check_writable
from flows.form import titled
from flows.hosted import hosted
from tasks.train import machines
from tasks.transform.answer import Model
from tasks.transform.artifacts import Transformed, report
from tasks.transform.conclude import conclude
from tasks.transform.plan import how, plan
from tasks.transform.run import run


@flow(name="transform", description="Answer all records of a folder by a model, into a folder of .out files.")
@titled
def transform(
    model: str,
    data: str,
    output: str = "transformed",
    content_type: str = "",
    accept: str = "",
    strategy: Literal["MultiRecord", "SingleRecord"] = "MultiRecord",
    max_payload: Annotated[int, Field(ge=1, le=100)] = 6,
    max_errors: Annotated[int, Field(ge=-1)] = 0,
    threads: Annotated[int, Field(ge=0)] = 0,
    workers: Annotated[int, Field(ge=0)] = 0,
    scheduler: str = "",
    reuse: bool = True,
) -> Transformed:
    """Plan, answer, publish, report.

    Args:
        model: What answers: the model.tar.gz or the folder that a training published, one of BlazingText, or a fastText
            model.bin. A file, a folder or a URL; or one of a registry, as registry/words@champion.
        data: What to answer: a file, folder, glob or URL of JSON Lines, CSV, RecordIO-protobuf, JSON bodies, or text
            with a sentence or word on each line; .gz, .xz and .bz2 too.
        output: The folder or URL for the answers: of a/b.jsonl they are a/b.jsonl.out. A line answers a line.
        content_type: What the files hold, such as application/jsonlines; told by their names where it is not given.
        accept: The type of the answers; that of the input, and application/jsonlines for CSV and text, where it is not
            given.
        strategy: Whether many records are asked together or each alone.
        max_payload: Most MB of records that are asked together.
        max_errors: Bad records that are told in errors.jsonl, and gone on without; one more ends the run. -1 for any
            number.
        threads: Threads that answer in this process; 0 means one for each core.
        workers: Processes of a local Dask cluster that answer instead; 0 means this process alone.
        scheduler: Address of a Dask cluster, such as tcp://host:8786, whose workers can reach all three places.
        reuse: Take the answers that an earlier run with the same model has left there, of files that are the same.

    """
    check_writable(output)
    settings = how(output=output, accept=accept, strategy=strategy, max_payload=max_payload, max_errors=max_errors)
    where = machines(threads=threads, workers=workers, scheduler=scheduler)

    model = resolved(model)
    planned = plan(model, data, settings, content_type=content_type, reuse=reuse)
    hosting = Model(absolute(model), planned.model, hosted)
    ran = run(planned, hosting, settings, machines=where)
    concluded = conclude(planned, ran, hosting, settings)
    return report(planned, ran, concluded)
