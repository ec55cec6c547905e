"""SageMaker's contract with a training container, kept on any machine: files below /opt/ml in, files and a code out.

    input/config/hyperparameters.json    strings by SageMaker's names
    input/config/inputdataconfig.json    channels: ContentType, TrainingInputMode, S3DistributionType
    input/config/resourceconfig.json     current_host, hosts
    input/data/<channel>/                the files of each channel
    model/                               what was trained; output/data/ its report; output/failure why it was not

Another place than /opt/ml is told by --root, or SAGEMAKER_DATA_PATH. Nothing outside of it is needed, no network and no
Prefect server. The exit code is 0, 2 for what the user can put right, 1 for what we got wrong, 143 after SIGTERM.
"""

import inspect
import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

from cyclopts import Parameter

from data import archives
from data.errors import EmbertextError
from flows.job import Job, algorithm_of, arguments_of, channels_of, read_job

ROOT = "/opt/ml"
FAILURE = 1024  # characters that SageMaker shows


def root_folder() -> Path:
    """Where SageMaker's folders are."""
    return Path(os.environ.get("SAGEMAKER_DATA_PATH") or ROOT)


def model_folder() -> Path:
    """Where a container that serves finds its model, unpacked."""
    return root_folder() / "model"


def train(
    *,
    algorithm: Annotated[str, Parameter(env_var="EMBERTEXT_ALGORITHM", show_default=False)] = "",
    root: Annotated[str, Parameter(env_var="SAGEMAKER_DATA_PATH")] = ROOT,
    debug: Annotated[bool, Parameter(negative="", show_default=False)] = False,
) -> None:
    """Train as a container of SageMaker does: what is to be done lies in files below /opt/ml, and so do its results.

    Args:
        algorithm: word2vec, text_classification, topics or object2vec; blazingtext and ntm are understood. Where it is
            not given the hyperparameters tell it: mode, num_topics or feature_dim, enc0_...
        root: The folder in place of /opt/ml.
        debug: Show Prefect's log, and the traceback of an error.

    """
    signal.signal(signal.SIGTERM, _leave)  # process 1 of a container has no other way to hear of it
    place = Path(root)
    failure = place / "output" / "failure"
    with suppress(OSError):
        failure.unlink(missing_ok=True)
    try:
        _train(read_job(place), algorithm)
    except (Exception, KeyboardInterrupt) as error:
        with suppress(OSError):
            failure.parent.mkdir(parents=True, exist_ok=True)
            failure.write_text(told(error), encoding="utf-8")
        raise


def told(error: BaseException) -> str:
    """A failure as SageMaker shows it: the kind and one line first, for a program's fault the traceback behind."""
    from flows.runtime import one_line

    if isinstance(error, ValueError):
        return f"ClientError: {one_line(error)}"[:FAILURE]
    return f"AlgorithmError: {one_line(error)}"[:FAILURE] + "\n\n" + "".join(traceback.format_exception(error))


def _train(job: Job, asked: str) -> None:
    algorithm = algorithm_of(asked, job.hyperparameters)
    if len(job.hosts) > 1:
        if job.distribution == "ShardedByS3Key":
            what = f"{len(job.hosts)} hosts that have a share of the data each, and one trains"
            raise EmbertextError(
                what, where="channel train", remedy="use FullyReplicated, or a single, larger instance"
            )
        if job.host != job.hosts[0]:
            print(f"{job.hosts[0]} trains, and {job.host} has nothing to do", flush=True)
            return
    output = job.root / "output"
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".embertext-", dir=output, ignore_cleanup_errors=True) as place:
        scratch = Path(place)
        os.environ.setdefault("EMBERTEXT_CACHE", str(scratch / "cache"))
        os.environ.setdefault("PREFECT_HOME", str(scratch / "prefect"))
        flow = _flow(algorithm)
        arguments = arguments_of(flow, job.hyperparameters)
        channels = channels_of(job, algorithm, scratch / "channels")
        if "validation" in inspect.signature(flow.fn).parameters:
            channels.setdefault("validation", "")  # a flow's own default may be to hold some back
        from flows.runtime import start_prefect

        start_prefect()
        print(f"Arguments: train\n{algorithm} on {job.host}: {job.hyperparameters}", flush=True)
        try:
            with _logged_to_stdout():
                summary = flow(**arguments, **channels, output=str(scratch / "published"))
        except EmbertextError as error:  # nobody but us has seen the links
            text = str(error).replace(str(scratch / "channels"), str(job.root / "input" / "data"))
            raise EmbertextError(text) from error
        _hand_over(Path(summary.model), job.root)


def _hand_over(archive: Path, root: Path) -> None:
    """The members of the model.tar.gz to model/, of which SageMaker makes it again; the report to output/data/."""
    model, data = root / "model", root / "output" / "data"
    for folder in (model, data):
        folder.mkdir(parents=True, exist_ok=True)
    for path in archives.unpacked(str(archive), archive.parent / "members").iterdir():
        shutil.move(path, model / path.name)
    for path in archive.parent.iterdir():
        if path.is_file() and path != archive:
            shutil.copy(path, data / path.name)


def _flow(algorithm: str) -> Any:
    """The flow that trains it; imported late, as Prefect reads its settings when it is."""
    if algorithm == "word2vec":
        from flows.word2vec import word2vec

        return word2vec
    if algorithm == "text_classification":
        from flows.text_classification import text_classification

        return text_classification
    if algorithm == "topics":
        from flows.topics import topics

        return topics
    from flows.object2vec import object2vec

    return object2vec


@contextmanager
def _logged_to_stdout() -> Iterator[None]:
    """What stages log, with the metrics that SageMaker finds by their lines."""
    import logging

    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("[%(asctime)s %(levelname)s %(thread)d] %(message)s", "%m/%d/%Y %H:%M:%S"))
    handler.addFilter(lambda record: not record.getMessage().startswith("Finished in state"))  # Prefect's own
    loggers = [logging.getLogger(name) for name in ("prefect.task_runs", "prefect.embertext")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)


def _leave(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)
