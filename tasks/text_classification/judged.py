"""What the judgement of a classifier is published as: the page and its numbers, and the same as Prefect artifacts."""

import time
from datetime import UTC, datetime
from typing import Any

from prefect import task

from data import storage
from tasks import artifacts, stages
from tasks import publish as publishing
from tasks.artifacts import Summary, Table
from tasks.ingest import Ingested
from tasks.network import NETWORK
from tasks.progress import log, progress
from tasks.publish import FORMAT, MANIFEST, REPORT, Published
from tasks.text_classification.evaluate import EVALUATION
from tasks.text_classification.judge import Judged
from tasks.text_classification.model import Found

NAME = "evaluate-classifier"
FILES = (REPORT, EVALUATION)


@task(
    name="publish",
    description="Draw the report and put it, with its numbers, where others find it; the manifest goes last.",
    **NETWORK,
)
def publish(found: Found, ingested: Ingested, judged: Judged, *, output: str) -> Published:
    """The folder <output>/evaluate-classifier-<key>. One that holds all its files is left as it is."""
    from tasks.text_classification import page  # matplotlib and jinja2, not needed before

    start = time.perf_counter()
    inputs = {"model": found.url, "source": ingested.source.model_dump(mode="json"), "judged": judged.key}
    place = publishing.place(NAME, output, names=FILES, **inputs).model_copy(update={"model": found.url})
    if place.reused:
        return stages.reused(place)
    with (
        progress("publish") as report,
        stages.at_hand(judged.url) as folder,
        stages.workbench(place.url, marker=MANIFEST) as scratch,
    ):
        judgement = storage.read_json(storage.join(folder, EVALUATION))
        storage.write_json(str(scratch / EVALUATION), judgement)
        manifest = _described(found, ingested, judged)
        report(0.2, "drawing")
        shown = manifest | {"files": publishing.files(scratch, FILES)}
        html = page.render(manifest=shown, judgement=judgement)
        publishing.conclude(scratch, manifest, html=html, start=start, names=FILES)
    log().info("published %s", place.url)
    return place.model_copy(update={"seconds": time.perf_counter() - start})


def _described(found: Found, ingested: Ingested, judged: Judged) -> dict[str, Any]:
    """The manifest but for its files: which model, which text, what the one is worth on the other."""
    model = {"name": found.name, "words": judged.words, "labels": judged.labels}
    model |= {"checksum": found.fingerprint, "urls": [found.url], "bytes": found.bytes}
    return {
        "format": FORMAT,
        "algorithm": NAME,
        "hyperparameters": judged.settings,
        "model": model,
        "corpus": publishing.lineage(ingested.source) | judged.model_dump(include={"examples", "tokens"}),
        **publishing.software(),
        "metrics": judged.metrics,
        "words_per_second": judged.words_per_second,
        "seconds": {"find": found.seconds, "ingest": ingested.seconds, "evaluate": judged.seconds},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


@task(
    name="report",
    description="Show accuracy, the classes, what is taken for what and the addresses as artifacts of this run.",
    **NETWORK,
)
def report(found: Found, ingested: Ingested, judged: Judged, published: Published) -> Summary:
    """Artifacts under the keys evaluate-classifier-summary, -metrics, -classes, -outcome and -report."""
    from tasks.text_classification import page

    start = time.perf_counter()
    judgement = storage.read_json(storage.join(published.url, EVALUATION))
    manifest = storage.read_json(storage.join(published.url, MANIFEST))
    text = page.summary_markdown(manifest=manifest, judgement=judgement, model=found.url, report=published.report)
    tables = {
        "metrics": Table("Accuracy, precision and recall.", page.metrics_rows(manifest, judgement)),
        "classes": Table("Precision, recall and F1 of each class.", page.class_rows(judgement)),
    }
    artifacts.show(NAME, published.model_copy(update={"model": found.url}), manifest, summary=text, tables=tables)
    summary = artifacts.summary_of(
        {"evaluate": judged, "publish": published},
        ingested=ingested,
        published=published,
        words_per_second=judged.words_per_second,
        metrics=manifest["metrics"],
        rows=page.terminal_rows(manifest, judgement),
        start=start,
    )
    return summary.model_copy(update={"seconds": {"find": found.seconds, **summary.seconds}})
