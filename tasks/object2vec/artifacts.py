"""What a finished Object2Vec shows in the Prefect UI, and tells its caller."""

import time

from prefect import task

from data import storage
from tasks import artifacts
from tasks.artifacts import Summary, Table
from tasks.ingest import Ingested
from tasks.network import NETWORK
from tasks.object2vec.evaluate import EVALUATION, Evaluated
from tasks.object2vec.text import Prepared
from tasks.object2vec.train import Trained
from tasks.publish import MANIFEST, Published


@task(
    name="report",
    description="Show accuracy, loss, what is found among thousands and the addresses as artifacts of this run.",
    **NETWORK,
)
def report(
    ingested: Ingested, prepared: Prepared, trained: Trained, evaluated: Evaluated, published: Published
) -> Summary:
    """Artifacts under the keys object2vec-summary, -metrics, -outcome and -report; -retrieval and -found
    where something was looked for.
    """
    from tasks.object2vec import page  # matplotlib and jinja2, not needed before

    start = time.perf_counter()
    judgement = storage.read_json(storage.join(evaluated.url, EVALUATION))
    manifest = storage.read_json(storage.join(published.url, MANIFEST))
    text = page.summary_markdown(manifest=manifest, judgement=judgement, model=published.model, report=published.report)
    tables = {
        "metrics": Table("Accuracy, loss, correlation of each set.", page.metrics_rows(judgement)),
        "retrieval": Table("How well in0 finds its in1 among many.", page.retrieval_rows(judgement)),
        "found": Table("Some that were looked for, and what was found first.", page.found_rows(judgement)),
    }
    artifacts.show("object2vec", published, manifest, summary=text, tables=tables)
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
