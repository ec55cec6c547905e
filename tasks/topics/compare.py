"""Which decoder finds the best topics in these documents: the others are trained and judged as the chosen one was."""

from collections.abc import Mapping
from typing import get_args

from prefect import task
from pydantic import BaseModel

from algorithms.topics.algorithm import Decoder, Topics
from algorithms.topics.counts import Counting
from tasks.ingest import Ingested
from tasks.progress import log
from tasks.topics.evaluate import Evaluated, evaluate
from tasks.topics.text import Prepared
from tasks.topics.train import Trained, learn
from tasks.topics.vectors import Known
from tasks.train import Machines

COMPARABLE = 0.15  # of TU: topics that repeat each other are coherent for little
SCORES = ("total_loss", "npmi", "tu", "diversity", "wetc")


class Compared(BaseModel, frozen=True):
    """rows: of each decoder its name, `SCORES`, epochs and seconds of training, the most coherent first; winner: the
    first of those whose TU is at most `COMPARABLE` below the highest; said: the same in a sentence.
    """

    rows: list[dict[str, str | int | float]]
    winner: str
    said: str


def contest(
    prepared: Prepared,
    trained: Trained,
    evaluated: Evaluated,
    form: Topics,
    counting: Counting,
    *,
    vectors: Known | None = None,
    reference: Ingested | None = None,
    machines: Machines,
    seed: int,
) -> Compared:
    """Run the stages of each other decoder, all else being equal, and compare them."""
    learned: dict[str, Trained] = {form.decoder: trained}
    judged: dict[str, Evaluated] = {form.decoder: evaluated}
    for decoder in get_args(Decoder):
        if decoder not in learned:
            other = form.model_copy(update={"decoder": decoder})
            learned[decoder] = learn(prepared, other, vectors=vectors, machines=machines, seed=seed)
            judged[decoder] = evaluate(
                prepared, learned[decoder], other, counting, vectors=vectors, reference=reference
            )
    return rank(learned, judged, published=form.decoder)


@task(name="compare", description="Say which decoder wins.")
def rank(learned: Mapping[str, Trained], judged: Mapping[str, Evaluated], *, published: str) -> Compared:
    """By coherence, among those whose topics are about as different from each other."""
    rows = [
        {"decoder": decoder}
        | {name: each.metrics[name] for name in SCORES if name in each.metrics}
        | {"epochs": learned[decoder].epochs, "seconds": round(learned[decoder].seconds, 1)}
        for decoder, each in judged.items()
    ]
    rows.sort(key=lambda row: -row["npmi"])
    highest = max(row["tu"] for row in rows)
    winner = next(row for row in rows if row["tu"] >= highest - COMPARABLE)
    said = (
        f"{winner['decoder']} wins: NPMI {winner['npmi']:.3f}, the highest of the decoders whose TU is within"
        f" {COMPARABLE} of the best. Published is {published}."
    )
    log().info("%s", said)
    return Compared(rows=rows, winner=winner["decoder"], said=said)
