"""The output made whole: errors told by file and line, then the manifest, last."""

import time
from datetime import UTC, datetime
from typing import Any

from prefect import task

from data import storage
from tasks import stages
from tasks.network import NETWORK
from tasks.progress import log, progress
from tasks.publish import MANIFEST, software
from tasks.transform.answer import How, Model
from tasks.transform.earlier import FORMAT, Answered, File
from tasks.transform.errors import write_errors
from tasks.transform.places import ERRORS, UNFINISHED
from tasks.transform.plan import Plan
from tasks.transform.run import Ran


class Concluded(stages.Stage, frozen=True):
    """files: by the names of their answers, which lie below `url`. manifest, errors: URLs; "" where there are none."""

    files: dict[str, Answered]
    manifest: str
    errors: str


@task(name="publish", description="Tell the errors, then write the manifest: the output is whole.", **NETWORK)
def conclude(plan: Plan, ran: Ran, model: Model, how: How) -> Concluded:
    """Raises StorageError where it cannot be written."""
    start = time.perf_counter()
    files = {file.target: plan.done.files.get(file.key) or _answered(file, ran) for file in plan.files}
    manifest, errors = storage.join(plan.output, MANIFEST), storage.join(plan.output, ERRORS)
    bad = sum(each.errors for each in files.values())
    concluded = Concluded(url=plan.output, seconds=0.0, files=files, manifest=manifest, errors=errors if bad else "")
    if storage.exists(manifest) and _told(manifest) == _as_told(plan, model, how, files):
        return stages.reused(concluded.model_copy(update={"reused": True}))
    with progress("publish"):
        write_errors(plan, ran.facts)
        seconds = {"plan": plan.seconds, "answer": ran.seconds}
        told = {
            "format": FORMAT,
            **_as_told(plan, model, how, files),
            **software(),
            "rows": sum(each.rows for each in files.values()),
            "errors": bad,
            "rows_per_second": ran.rows_per_second,
            "seconds": seconds,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        storage.write_json(manifest, told)
        storage.remove(storage.join(plan.output, UNFINISHED))
    log().info("%s: %d file(s), %d bad record(s)", plan.output, len(files), bad)
    return concluded.model_copy(update={"seconds": time.perf_counter() - start})


def _answered(file: File, ran: Ran) -> Answered:
    facts = [ran.facts[cut.key] for cut in file.slices]
    return Answered(
        input=file.url,
        content_type=file.content_type,
        fingerprint=file.fingerprint,
        key=file.key,
        rows=sum(fact.rows for fact in facts),
        errors=sum(fact.errors for fact in facts),
        bytes=sum(fact.bytes for fact in facts),
    )


def _as_told(plan: Plan, model: Model, how: How, files: dict[str, Answered]) -> dict[str, Any]:
    """What says whether a run's output is another's."""
    return {
        "model": {"url": model.url, "fingerprint": plan.model},
        "data": plan.data,
        "parameters": {
            "accept": how.accept,
            "records_per_batch": how.most_records,
            "bytes_per_batch": how.most_bytes,
            "max_errors": how.max_errors,
        },
        "files": {target: each.model_dump(mode="json") for target, each in files.items()},
    }


def _told(manifest: str) -> dict[str, Any]:
    told = storage.read_json(manifest)
    return {name: told.get(name) for name in ("model", "data", "parameters", "files")}
