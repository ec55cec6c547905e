"""What an Object2Vec is published as: the trained network, the ids of its words, their vectors, and what made them."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from prefect import task

from algorithms.model import load_state
from algorithms.object2vec.algorithm import Object2Vec
from algorithms.object2vec.matcher import PAIRING, VOCABULARIES
from algorithms.object2vec.pairing import Pairing
from algorithms.state import State
from data import storage
from data.vectors import write_vectors
from tasks import publish as publishing
from tasks import stages
from tasks.against import Against
from tasks.ingest import Ingested
from tasks.network import NETWORK
from tasks.object2vec.channel import Auxiliary
from tasks.object2vec.evaluate import EVALUATION, Evaluated, ids_of
from tasks.object2vec.text import Prepared
from tasks.object2vec.train import Trained
from tasks.progress import log, progress
from tasks.publish import ALGORITHM, MANIFEST, MODEL, Published
from tasks.train import HISTORY, STATE

VECTORS = ("vectors.txt", "vectors_in1.txt")  # of in0's tokens, or of both sides'; of in1's where they differ
MEMBERS = (ALGORITHM, STATE, *VOCABULARIES, *VECTORS, PAIRING, EVALUATION, MANIFEST)


@task(
    name="publish",
    description="Pack the model, draw the report, and put both where others find them; the manifest goes last.",
    **NETWORK,
)
def publish(
    ingested: Ingested,
    others: dict[str, Ingested],
    auxiliary: Auxiliary,
    prepared: Prepared,
    trained: Trained,
    evaluated: Evaluated,
    form: Object2Vec,
    pairing: Pairing,
    *,
    output: str,
    against: Against | None = None,
) -> Published:
    """The folder <output>/object2vec-<key>. One that holds all its files is left as it is.

    others: validation, test and against, where they were given.
    """
    from tasks.object2vec import page  # matplotlib and jinja2, not needed before

    start = time.perf_counter()
    sources = {name: each.source.model_dump(mode="json") for name, each in {"train": ingested, **others}.items()}
    place = publishing.place("object2vec", output, sources=sources, evaluated=evaluated.key, form=form.model_dump())
    if place.reused:
        return stages.reused(publishing.tell(place))
    with (
        progress("publish") as report,
        stages.at_hand(trained.url) as model,
        stages.at_hand(evaluated.url) as judged,
        stages.workbench(place.url, marker=MANIFEST) as scratch,
    ):
        manifest: dict[str, Any] = publishing.describe(
            "object2vec",
            form,
            ingested=ingested,
            prepared=prepared,
            trained=trained,
            evaluated=evaluated,
            metrics=evaluated.metrics,
            history=storage.read_json(storage.join(model, HISTORY)),
            against=against,
        )
        manifest |= {
            "corpus": _corpus(manifest["corpus"]),
            "pairs_per_second": trained.pairs_per_second,
            "epoch": trained.epoch,
            **{name: publishing.lineage(each.source) for name, each in others.items()},
        }
        if auxiliary.fingerprints:
            manifest["auxiliary"] = auxiliary.model_dump(mode="json")
        if prepared.kind != "ids":
            manifest["pairing"] = pairing.model_dump()
        report(0.1, "packing")
        with publishing.archive(scratch, manifest, form=form, members=MEMBERS, folders=[judged, model]) as target:
            if prepared.kind != "ids":
                storage.write_json(str(target / PAIRING), pairing.model_dump())
            write_tables(load_state(Path(model) / STATE), ids_of(model), target)
        report(0.7, "drawing")
        html = page.render(
            manifest=manifest | {"files": publishing.files(scratch, [MODEL])},
            judgement=storage.read_json(storage.join(judged, EVALUATION)),
        )
        publishing.conclude(scratch, manifest, html=html, start=start)
    log().info("published %s", place.url)
    return publishing.tell(place.model_copy(update={"seconds": time.perf_counter() - start}))


def write_tables(state: State, ids: tuple[Mapping[str, int], Mapping[str, int]], folder: Path) -> None:
    """The token vectors in word2vec's text format, by rising id; of ids that have no words, nothing.

    A word that the format cannot hold is left out.
    """
    for side, name in enumerate(VECTORS):
        if f"tokens_{side}" not in state:
            continue
        table = np.asarray(state[f"tokens_{side}"], np.float32)
        rows = sorted((row, word) for word, row in ids[side].items() if row < len(table) and word.split() == [word])
        if rows:
            write_vectors(folder / name, [word for _, word in rows], table[[row for row, _ in rows]])


def _corpus(corpus: Mapping[str, Any]) -> dict[str, Any]:
    """The corpus with a line for each number: pairs of each set, ids of each side."""
    told = {name: value for name, value in corpus.items() if name not in ("pairs", "vocab_sizes", "longest", "kind")}
    told |= {"kind": corpus["kind"]} | {f"{name}_pairs": size for name, size in corpus["pairs"].items()}
    for side in (0, 1):
        told |= {f"in{side}_vocab_size": corpus["vocab_sizes"][side], f"in{side}_longest": corpus["longest"][side]}
    return told
