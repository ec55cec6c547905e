"""What finished topics show in the Prefect UI, and tell their caller."""

import time
from pathlib import Path

from prefect import task

from algorithms.model import load_state
from algorithms.topics.algorithm import Topics
from data import storage
from tasks import artifacts, stages
from tasks.artifacts import Summary, Table
from tasks.ingest import Ingested
from tasks.network import NETWORK
from tasks.publish import MANIFEST, Published
from tasks.topics.evaluate import EVALUATION, Evaluated
from tasks.topics.text import Prepared
from tasks.topics.train import Trained
from tasks.train import STATE


@task(
    name="report",
    description="Show losses, the topics with their words and scores, pictures and the addresses as artifacts.",
    **NETWORK,
)
def report(
    ingested: Ingested, prepared: Prepared, trained: Trained, evaluated: Evaluated, published: Published, form: Topics
) -> Summary:
    """Artifacts under the keys topics-summary, with pictures, topics-metrics, -words, -outcome and -report;
    topics-decoders where they were compared.
    """
    from tasks.plots import data_uri, png  # matplotlib and jinja2, not needed before
    from tasks.topics import page, plots

    start = time.perf_counter()
    judgement = storage.read_json(storage.join(evaluated.url, EVALUATION))
    manifest = storage.read_json(storage.join(published.url, MANIFEST))
    with stages.at_hand(trained.url) as folder:
        topic_word = form.topic_word(load_state(Path(folder) / STATE))
    text = page.summary_markdown(manifest=manifest, judgement=judgement, model=published.model, report=published.report)
    for heading, figure in plots.pictures(judgement, topic_word).items():
        text += f"\n### {heading}\n\n![{heading}]({data_uri(png(figure, dpi=72))})\n"
    tables = {
        "metrics": Table("Losses of the documents, scores of the topics.", page.metrics_rows(manifest, judgement)),
        "words": Table("The topics, largest first: words, share of the text, scores.", page.topic_rows(judgement)),
    }
    if rows := page.decoder_rows(manifest):
        tables["decoders"] = Table(manifest["compared"]["said"], rows)
    artifacts.show("topics", published, manifest, summary=text, tables=tables)
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
