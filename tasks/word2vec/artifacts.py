"""What a finished Word2Vec run shows in the Prefect UI, and tells its caller."""

import time
from collections.abc import Iterator

from prefect import task

from data import storage
from data.vocabulary import Vocabulary
from tasks import artifacts, stages
from tasks.artifacts import Summary, Table
from tasks.ingest import Ingested
from tasks.network import NETWORK
from tasks.publish import MANIFEST, Published
from tasks.train import VOCABULARY, Trained
from tasks.word2vec.evaluate import JUDGEMENT, Evaluated, read_evaluation, read_map
from tasks.word2vec.text import Prepared


@task(
    name="report",
    description="Show metrics, neighbours, the map of the words and the addresses as artifacts of this run.",
    **NETWORK,
)
def report(
    ingested: Ingested, prepared: Prepared, trained: Trained, evaluated: Evaluated, published: Published
) -> Summary:
    """Artifacts under the keys word2vec-metrics, -neighbours, -outcome, -summary and -report."""
    from tasks import maps  # matplotlib and jinja2, not needed before
    from tasks.plots import data_uri, png
    from tasks.word2vec import page

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
        picture = data_uri(png(maps.drawn(words[: len(positions)], positions), dpi=72))
        text += (
            f"\n### The {len(positions)} most frequent words\n\n![words that are used alike lie together]({picture})\n"
        )
    tables = {
        "metrics": Table(
            description="Rank correlation with human judgements.",
            rows=page.metrics_rows(evaluation),
        ),
        "neighbours": Table(description="Nearest words by cosine.", rows=page.neighbour_rows(neighbours)),
    }
    artifacts.show("word2vec", published, manifest, summary=text, tables=tables)
    return artifacts.summarise(
        ingested=ingested,
        prepared=prepared,
        trained=trained,
        evaluated=evaluated,
        published=published,
        metrics=evaluated.metrics,
        rows=list(_rows(ingested, prepared, trained, evaluated)),
        start=start,
    )


def _rows(ingested: Ingested, prepared: Prepared, trained: Trained, evaluated: Evaluated) -> Iterator[tuple[str, str]]:
    """Corpus, speed, metrics, neighbours of a few words."""
    yield "corpus", f"{ingested.source.name}: {prepared.tokens:,} words, {prepared.vocabulary:,} distinct"
    yield "words per second", f"{trained.words_per_second:,.0f}"
    for name, value in evaluated.metrics.items():
        if name == "analogies":
            yield name, f"{value['accuracy']:.1%} of {value['asked']:,} questions"
        elif name == "mean_rho":
            yield name, f"{value:.3f}"
        else:
            pairs = value["total_pairs"] - value["not_found"]
            yield name.removesuffix(".txt"), f"{value['spearmans_rho']:.3f} over {pairs} word pairs"
    for word, nearest in evaluated.neighbours.items():
        yield word, ", ".join(nearest[:5])
