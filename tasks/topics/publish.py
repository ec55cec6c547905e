"""What topics are published as: the trained network, its words, the topics as text, and what made them."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect import task

from algorithms.model import load_state
from algorithms.topics.algorithm import Topics
from algorithms.topics.counts import Counting
from data import storage
from tasks import publish as publishing
from tasks import stages
from tasks.against import Against
from tasks.ingest import Ingested
from tasks.network import NETWORK
from tasks.progress import log, progress
from tasks.publish import ALGORITHM, MANIFEST, MODEL, Published
from tasks.topics.compare import Compared
from tasks.topics.evaluate import EVALUATION, TOPICS_TEXT, Evaluated
from tasks.topics.text import VOCABULARY, Prepared, Ready
from tasks.topics.train import Trained
from tasks.train import HISTORY, STATE

MEMBERS = (ALGORITHM, STATE, VOCABULARY, TOPICS_TEXT, EVALUATION, MANIFEST)


@task(
    name="publish",
    description="Pack the model, draw the report, and put both where others find them; the manifest goes last.",
    **NETWORK,
)
def publish(
    ingested: Ingested,
    others: dict[str, Ingested],
    prepared: Prepared,
    trained: Trained,
    evaluated: Evaluated,
    form: Topics,
    counting: Counting,
    *,
    compared: Compared | None = None,
    output: str,
    against: Against | None = None,
) -> Published:
    """The folder <output>/topics-<key>. One that holds all its files is left as it is. others: by their channel."""
    from tasks.topics import page  # matplotlib and jinja2, not needed before

    start = time.perf_counter()
    sources = {name: each.source.model_dump(mode="json") for name, each in {"train": ingested, **others}.items()}
    told = compared.model_dump() if compared else None
    place = publishing.place(
        "topics", output, sources=sources, evaluated=evaluated.key, form=form.model_dump(), compared=told
    )
    if place.reused:
        return stages.reused(publishing.tell(place))
    with (
        progress("publish") as report,
        stages.at_hand(trained.url) as model,
        stages.at_hand(evaluated.url) as judged,
        stages.workbench(place.url, marker=MANIFEST) as scratch,
    ):
        manifest: dict[str, Any] = publishing.describe(
            "topics",
            form,
            ingested=ingested,
            prepared=prepared,
            trained=trained,
            evaluated=evaluated,
            metrics=evaluated.metrics,
            history=storage.read_json(storage.join(model, HISTORY)),
            against=against,
        )
        manifest["documents_per_second"] = trained.documents_per_second
        manifest["corpus"] = _corpus(manifest["corpus"])
        manifest |= {name: publishing.lineage(each.source) for name, each in others.items()}
        if told:
            manifest["compared"] = told
        if not isinstance(ingested.source, Ready):
            manifest["counting"] = counting.model_dump()
        report(0.1, "packing")
        with publishing.archive(scratch, manifest, form=form, members=MEMBERS, folders=[judged, model]):
            pass  # all of it is there
        report(0.5, "drawing")
        html = page.render(
            manifest=manifest | {"files": publishing.files(scratch, [MODEL])},
            judgement=storage.read_json(storage.join(judged, EVALUATION)),
            topic_word=form.topic_word(load_state(Path(model) / STATE)),
        )
        publishing.conclude(scratch, manifest, html=html, start=start)
    log().info("published %s", place.url)
    return publishing.tell(place.model_copy(update={"seconds": time.perf_counter() - start}))


def _corpus(corpus: Mapping[str, Any]) -> dict[str, Any]:
    """The corpus with a line for each number: documents and words of each channel."""
    told = {name: value for name, value in corpus.items() if name not in ("rows", "words")}
    for name, rows in corpus["rows"].items():
        told |= {f"{name}_documents": rows, f"{name}_words": corpus["words"][name]}
    return told
