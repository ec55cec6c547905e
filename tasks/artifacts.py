"""What a finished run shows in the Prefect UI, and tells its caller."""

import time
from pathlib import Path
from typing import Any

from prefect import task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from pydantic import BaseModel

from data import storage
from data.vocabulary import Vocabulary
from tasks import stages
from tasks.evaluate import JUDGEMENT, Evaluated, read_evaluation, read_map
from tasks.ingest import Ingested
from tasks.network import NETWORK
from tasks.publish import MANIFEST, Published
from tasks.text import Prepared
from tasks.train import VOCABULARY, Trained


class Summary(BaseModel, frozen=True):
    """A run in a few values. seconds: what each stage took in this run; reused: those an earlier run had done."""

    model: str
    report: str
    corpus: str
    tokens: int
    vocabulary: int
    words_per_second: float
    metrics: dict[str, Any]
    neighbours: dict[str, list[str]]
    seconds: dict[str, float]
    reused: list[str]


@task(
    name="report",
    description="Show metrics, neighbours, the map of the words and the addresses as artifacts of this run.",
    **NETWORK,
)
def report(
    ingested: Ingested, prepared: Prepared, trained: Trained, evaluated: Evaluated, published: Published
) -> Summary:
    """Artifacts under the keys word2vec-metrics, word2vec-neighbours, word2vec-summary and word2vec-report."""
    from tasks import plots  # matplotlib and jinja2, not needed before
    from tasks import report as page

    start = time.perf_counter()
    with stages.at_hand(evaluated.url) as folder, stages.at_hand(trained.url) as model:
        evaluation = read_evaluation(folder)
        neighbours = storage.read_json(storage.join(folder, JUDGEMENT))["neighbours"]
        positions = read_map(folder)
        words = Vocabulary.load(storage.join(model, VOCABULARY)).words
    manifest = storage.read_json(storage.join(published.url, MANIFEST))
    text = page.summary_markdown(
        manifest=manifest,
        evaluation=evaluation,
        neighbours=neighbours,
        model=published.model,
        report=published.report,
    )
    if positions is not None:
        picture = plots.data_uri(plots.png(plots.word_map(words[: len(positions)], positions), dpi=72))
        text += (
            f"\n### The {len(positions)} most frequent words\n\n![words that are used alike lie together]({picture})\n"
        )
    create_markdown_artifact(text, key="word2vec-summary", description="The run in a screen.")
    if judged := page.metrics_rows(evaluation):
        create_table_artifact(judged, key="word2vec-metrics", description="Rank correlation with human judgements.")
    if near := page.neighbour_rows(neighbours):
        create_table_artifact(near, key="word2vec-neighbours", description="Nearest words by cosine.")
    address = Path(published.report).as_uri() if storage.is_local(published.report) else published.report
    create_link_artifact(address, link_text="report.html", key="word2vec-report", description="The whole report.")
    done = {"prepare": prepared, "train": trained, "evaluate": evaluated, "publish": published}
    seconds = {"ingest": ingested.seconds} | {name: 0.0 if each.reused else each.seconds for name, each in done.items()}
    return Summary(
        model=published.model,
        report=published.report,
        corpus=ingested.source.name,
        tokens=prepared.tokens,
        vocabulary=prepared.vocabulary,
        words_per_second=trained.words_per_second,
        metrics=evaluated.metrics,
        neighbours=evaluated.neighbours,
        seconds=seconds | {"report": time.perf_counter() - start},
        reused=[name for name, each in done.items() if each.reused],
    )
