"""What a classifier is published as: the model in fastText's own file, and what made it."""

import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from prefect import task

from algorithms.model import load_state
from algorithms.text_classification.algorithm import TextClassification
from algorithms.text_classification.export import write_bin
from data import storage
from data.vocabulary import Vocabulary
from tasks import publish as publishing
from tasks import stages
from tasks.against import Against
from tasks.ingest import Ingested
from tasks.network import NETWORK
from tasks.progress import log, progress
from tasks.publish import ALGORITHM, MANIFEST, MODEL, Published
from tasks.text_classification.evaluate import EVALUATION, Evaluated
from tasks.text_classification.quantize import FTZ, Quantized
from tasks.text_classification.text import Prepared
from tasks.text_classification.train import LABELS, Trained
from tasks.train import HISTORY, STATE, VOCABULARY

NAME, BIN = "text-classification", "model.bin"
MEMBERS = (BIN, FTZ, EVALUATION, ALGORITHM, STATE, VOCABULARY, LABELS, MANIFEST)


@task(
    name="publish",
    description="Pack the model, draw the report, and put both where others find them; the manifest goes last.",
    **NETWORK,
)
def publish(
    ingested: Ingested,
    validation: Ingested | None,
    prepared: Prepared,
    trained: Trained,
    evaluated: Evaluated,
    form: TextClassification,
    *,
    quantized: Quantized | None = None,
    output: str,
    against: Against | None = None,
) -> Published:
    """The folder <output>/text-classification-<key>. One that holds all its files is left as it is."""
    from tasks.text_classification import page  # matplotlib and jinja2, not needed before

    start = time.perf_counter()
    sources = [each.source.model_dump(mode="json") for each in (ingested, validation) if each]
    place = publishing.place(NAME, output, sources=sources, evaluated=evaluated.key, form=form.model_dump())
    if place.reused:
        return stages.reused(publishing.tell(place))
    with (
        progress("publish") as report,
        stages.at_hand(trained.url) as model,
        stages.at_hand(evaluated.url) as judged,
        stages.at_hand(quantized.url) if quantized else nullcontext("") as small,
        stages.workbench(place.url, marker=MANIFEST) as scratch,
    ):
        manifest: dict[str, Any] = publishing.describe(
            NAME,
            form,
            ingested=ingested,
            prepared=prepared,
            trained=trained,
            evaluated=evaluated,
            metrics=evaluated.metrics,
            history=storage.read_json(storage.join(model, HISTORY)),
            own={"quantize": quantized} if quantized else {},
            against=against,
        )
        if validation:
            manifest["validation"] = publishing.lineage(validation.source)
        words, labels = (Vocabulary.load(storage.join(model, name)) for name in (VOCABULARY, LABELS))
        report(0.1, "packing")
        folders = [judged, model, *([small] if small else [])]
        with publishing.archive(scratch, manifest, form=form, members=MEMBERS, folders=folders) as target:
            write_bin(form, load_state(Path(model) / STATE), target / BIN, vocabulary=words, labels=labels)
            if quantized:
                manifest["quantized"] = _made_small(quantized, target / BIN)
        report(0.8, "drawing")
        html = page.render(
            manifest=manifest | {"files": publishing.files(scratch, [MODEL])},
            judgement=storage.read_json(storage.join(judged, EVALUATION)),
        )
        publishing.conclude(scratch, manifest, html=html, start=start)
    log().info("published %s", place.url)
    return publishing.tell(place.model_copy(update={"seconds": time.perf_counter() - start}))


def _made_small(quantized: Quantized, whole: Path) -> dict[str, int]:
    """What the manifest says of model.ftz: its size and that of model.bin in bytes, what is left, epochs on that."""
    sizes = {"bytes": quantized.bytes, "bytes_whole": whole.stat().st_size}
    return sizes | quantized.model_dump(include={"words", "ngrams", "epochs"})
