"""What a finished classifier's run shows in the Prefect UI, and tells its caller."""

import time

from prefect import task

from data import storage
from tasks import artifacts, stages
from tasks.artifacts import Summary, Table
from tasks.ingest import Ingested
from tasks.network import NETWORK
from tasks.publish import MANIFEST, Published
from tasks.train import Trained

EVALUATION = "eval.json"  # what `algorithms.accuracy.judge` said


@task(
    name="report",
    description="Show accuracy, the classes, what is taken for what and the addresses as artifacts of this run.",
    **NETWORK,
)
def report(
    ingested: Ingested,
    prepared: stages.Stage,
    trained: Trained,
    evaluated: stages.Stage,
    published: Published,
    quantized: stages.Stage | None = None,
) -> Summary:
    """Artifacts under the keys text-classification-summary, -metrics, -classes, -outcome and -report."""
    from tasks.text_classification import page  # matplotlib and jinja2, not needed before

    start = time.perf_counter()
    judgement = storage.read_json(storage.join(evaluated.url, EVALUATION))
    manifest = storage.read_json(storage.join(published.url, MANIFEST))
    text = page.summary_markdown(manifest=manifest, judgement=judgement, model=published.model, report=published.report)
    tables = {
        "metrics": Table("Accuracy, precision and recall.", page.metrics_rows(manifest, judgement)),
        "classes": Table("Precision, recall and F1 of each class.", page.class_rows(judgement)),
    }
    artifacts.show("text-classification", published, manifest, summary=text, tables=tables)
    return artifacts.summarise(
        ingested=ingested,
        prepared=prepared,
        trained=trained,
        evaluated=evaluated,
        published=published,
        metrics=manifest["metrics"],
        rows=page.terminal_rows(manifest, judgement),
        start=start,
        own={"quantize": quantized} if quantized else {},
    )
