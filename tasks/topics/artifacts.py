"""What finished topics show in the Prefect UI, and tell their caller."""

import time

from prefect import task

from data import storage
from tasks import artifacts
from tasks.artifacts import Summary, Table
from tasks.ingest import Ingested
from tasks.network import NETWORK
from tasks.publish import MANIFEST, Published
from tasks.topics.evaluate import EVALUATION, Evaluated
from tasks.topics.text import Prepared
from tasks.topics.train import Trained


@task(
    name="report",
    description="Show losses, the topics with their words and scores, and the addresses as artifacts of this run.",
    **NETWORK,
)
def report(
    ingested: Ingested, prepared: Prepared, trained: Trained, evaluated: Evaluated, published: Published
) -> Summary:
    """Artifacts under the keys topics-summary, -metrics, -words, -clouds and -report."""
    from tasks.topics import page  # matplotlib and jinja2, not needed before

    start = time.perf_counter()
    judgement = storage.read_json(storage.join(evaluated.url, EVALUATION))
    manifest = storage.read_json(storage.join(published.url, MANIFEST))
    text = page.summary_markdown(manifest=manifest, judgement=judgement, model=published.model, report=published.report)
    tables = {
        "metrics": Table("Losses of the documents, scores of the topics.", page.metrics_rows(manifest, judgement)),
        "words": Table("The topics, largest first: words, share of the text, scores.", page.topic_rows(judgement)),
    }
    artifacts.show("topics", published, summary=text, tables=tables)
    return artifacts.summarise(
        ingested=ingested,
        prepared=prepared,
        trained=trained,
        evaluated=evaluated,
        published=published,
        metrics=manifest["metrics"],
        rows=page.terminal_rows(manifest, judgement),
        start=start,
    )
