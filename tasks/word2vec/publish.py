"""What a Word2Vec model is published as: vectors in the formats of word2vec and fastText, and what made them."""

import time
from pathlib import Path

from prefect import task

from algorithms.model import load_state
from algorithms.word2vec.algorithm import Word2Vec
from data import storage
from data.vocabulary import Vocabulary
from tasks import publish as publishing
from tasks import stages
from tasks.against import Against
from tasks.ingest import Ingested
from tasks.network import NETWORK
from tasks.progress import log, progress
from tasks.publish import ALGORITHM, MANIFEST, MODEL, Published
from tasks.train import HISTORY, STATE, VOCABULARY, Trained
from tasks.word2vec.evaluate import EVALUATION, JUDGEMENT, Evaluated, read_evaluation, read_map
from tasks.word2vec.text import Prepared

# the first three as in BlazingText's own archives
MEMBERS = ("vectors.bin", EVALUATION, "vectors.txt", ALGORITHM, STATE, VOCABULARY, MANIFEST)


@task(
    name="publish",
    description="Pack the model, draw the report, and put both where others find them; the manifest goes last.",
    **NETWORK,
)
def publish(
    ingested: Ingested,
    prepared: Prepared,
    trained: Trained,
    evaluated: Evaluated,
    word2vec: Word2Vec,
    *,
    output: str,
    against: Against | None = None,
) -> Published:
    """The folder <output>/word2vec-<key>. One that holds all its files is left as it is."""
    from tasks.word2vec import page  # matplotlib and jinja2, not needed before

    start = time.perf_counter()
    source = ingested.source.model_dump(mode="json")
    place = publishing.place("word2vec", output, source=source, evaluated=evaluated.key, form=word2vec.model_dump())
    if place.reused:
        return stages.reused(publishing.tell(place))
    with (
        progress("publish") as report,
        stages.at_hand(trained.url) as model,
        stages.at_hand(evaluated.url) as judged,
        stages.workbench(place.url, marker=MANIFEST) as scratch,
    ):
        manifest = publishing.describe(
            "word2vec",
            word2vec,
            ingested=ingested,
            prepared=prepared,
            trained=trained,
            evaluated=evaluated,
            metrics=evaluated.metrics,
            history=storage.read_json(storage.join(model, HISTORY)),
            against=against,
        )
        vocabulary = Vocabulary.load(storage.join(model, VOCABULARY))
        report(0.1, "packing")
        with publishing.archive(scratch, manifest, form=word2vec, members=MEMBERS, folders=[judged, model]) as target:
            word2vec.export(load_state(Path(model) / STATE), vocabulary, target)
        report(0.7, "drawing")
        judgement = storage.read_json(storage.join(judged, JUDGEMENT))
        html = page.render(
            manifest=manifest | {"files": publishing.files(scratch, [MODEL])},
            evaluation=read_evaluation(judged),
            neighbours=judgement["neighbours"],
            words=vocabulary.words,
            positions=read_map(judged),
            counts=vocabulary.counts,
            gold_points=judgement["points"],
            analogies=judgement["analogies"],
        )
        report(0.9, "writing")
        publishing.conclude(scratch, manifest, html=html, start=start)
    log().info("published %s", place.url)
    return publishing.tell(place.model_copy(update={"seconds": time.perf_counter() - start}))
