"""What a pipeline is published as, beside its model and its sweep: a page that tells of the whole line.

<output>/pipeline-<key>/    report.html, manifest.json
"""

import time
from datetime import UTC, datetime
from typing import Any

from prefect import task
from pydantic import BaseModel

from tasks import publish as publishing
from tasks import stages
from tasks.network import NETWORK
from tasks.pipeline.boxes import Run, boxes, seconds
from tasks.progress import log, progress
from tasks.publish import FORMAT, MANIFEST, REPORT, Published


@task(
    name="publish-pipeline",
    description="Write the page that tells of the whole line: its stages, its sweep, its model.",
    **NETWORK,
)
def publish(run: Run, form: BaseModel, *, seed: int, output: str) -> Published:
    """The folder <output>/pipeline-<key>. form: the best hyperparameters. One that is there is left as it is."""
    from tasks.pipeline import page  # jinja2, not needed before

    start, line = time.perf_counter(), boxes(run)
    told = {
        "model": run.published.key,
        "sweep": run.searched.report,
        "machines": run.machines,
        "version": run.published.version,
    }
    place = publishing.place("pipeline", output, names=(REPORT,), **told)
    place = place.model_copy(update={"model": run.published.model})
    if place.reused:
        return stages.reused(place)
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "algorithm": run.algorithm,
        "pipeline": [box._asdict() for box in line],
        "hyperparameters": form.model_dump(mode="json"),
        "searched": dict(run.searched.parameters),
        "published": page.links(run),
        "version": run.published.version,
        "verdict": run.published.verdict,
        "metrics": run.metrics,
        "seed": seed,
        "machines": run.machines,
        "workers": run.trained.workers,
        **publishing.partition(run.ingested.source),
        "corpus": publishing.lineage(run.ingested.source),
        **publishing.software(),
        "seconds": seconds(line),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with progress("report"), stages.workbench(place.url, marker=MANIFEST) as scratch:
        html = page.render(run, line, manifest=manifest, base=place.url)
        publishing.conclude(scratch, manifest, html=html, start=start, names=(REPORT,))
    log().info("published %s", place.url)
    return place.model_copy(update={"seconds": time.perf_counter() - start})
