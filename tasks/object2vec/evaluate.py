"""Judging as a stage: how well pairs are told apart, and how well texts are found by what belongs to them."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from prefect import task

from algorithms.model import load_state
from algorithms.object2vec.algorithm import Object2Vec
from algorithms.object2vec.matcher import VOCABULARIES
from algorithms.object2vec.pairing import Pairing
from data import storage
from data.pairs import SETS, Pairs
from tasks import stages
from tasks.network import NETWORK
from tasks.object2vec import lines
from tasks.object2vec.text import Prepared
from tasks.object2vec.train import Trained
from tasks.progress import log, progress
from tasks.train import STATE

if TYPE_CHECKING:
    from algorithms.object2vec.judge import Judge
    from algorithms.object2vec.minibatch import Pool

EVALUATION = "eval.json"


class Evaluated(stages.Stage, frozen=True):
    """metrics: accuracy and cross_entropy, or mean_squared_error, pearson and spearman, of each set, as
    validation_accuracy; of retrieval hits@1, hits@10, hits@20, mean_rank and pool.
    """

    metrics: dict[str, float]


@task(
    name="evaluate",
    description="Accuracy, loss and correlation of all sets; what is found among thousands, and what is mistaken.",
    **NETWORK,
)
def evaluate(prepared: Prepared, trained: Trained, form: Object2Vec, pairing: Pairing) -> Evaluated:
    """A folder with eval.json: what `algorithms.object2vec.judge` says of each set, and of retrieval if there is any.

    Training pairs are judged by a sample; where all are positive, with as many others as the other sets have.
    """
    from algorithms.object2vec.judge import Judge  # torch and scipy take seconds to import

    start = time.perf_counter()
    url = stages.folder(
        "evaluate", work=trained.work, prepared=prepared.key, trained=trained.key, negatives=pairing.negatives
    )
    if done := stages.finished(url, Evaluated):
        return stages.reused(done)
    with (
        progress("evaluate") as report,
        stages.workbench(url) as scratch,
        stages.at_hand(trained.url) as folder,
    ):
        pairs = Pairs.load(prepared.url)
        judge = Judge(form, load_state(Path(folder) / STATE), ids=ids_of(folder))
        sets = {"train": judge.sample(pairs, negatives=pairing.negatives, seed=trained.seed)}
        shards = {name: each for name in SETS[1:] if (each := getattr(pairs, name))}
        sets |= {name: judge.whole(each) for name, each in shards.items()}
        which = next(name for name in reversed(SETS) if name in sets)
        found: dict[str, dict[str, float]] = {}
        for number, (name, each) in enumerate(sets.items()):
            found[name] = judge.measure(each.pairs)
            report((number + 1) / (len(sets) + 2), name)
        for line in lines.quality("test", found.get("test", {})):
            log().info("%s", line)
        others = [each for name, each in {**shards, "train": pairs.train}.items() if name != which]
        judgement = {
            "sets": found,
            "judged": which,
            **judge.look(sets[which].pairs),
            "retrieval": judge.retrieval(sets[which], others, seed=trained.seed),
            "neighbours": judge.neighbours(),
            "map": _map(judge, sets[which], seed=trained.seed),
        }
        storage.write_json(str(scratch / EVALUATION), judgement)
        metrics = metrics_of(judgement)
        evaluated = Evaluated(url=url, seconds=time.perf_counter() - start, metrics=metrics)
        stages.conclude(scratch, evaluated)
    return evaluated


def _map(judge: "Judge", judged: "Pool", *, seed: int) -> dict[str, Any] | None:
    """Some pairs on a page: labels (P) of in0, positions [[x, y], ...] of in0 and of in1; None where none are shown."""
    from tasks import maps  # matplotlib, not needed before

    if not (found := judge.mapped(judged, seed=seed)):
        return None
    labels, encodings = found
    positions = maps.place(np.concatenate(encodings), seed=seed)
    if positions is None:
        return None
    in0, in1 = np.split(positions.round(3), 2)
    return {"labels": labels, "in0": in0.tolist(), "in1": in1.tolist()}


def ids_of(folder: str) -> tuple[dict[str, int], dict[str, int]]:
    """The words' ids of in0 and in1 that a training has left; empty where nobody has said them."""
    first, second = (
        storage.read_json(storage.join(folder, name)) if storage.exists(storage.join(folder, name)) else {}
        for name in VOCABULARIES
    )
    return first, second or first


def metrics_of(judgement: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a judgement, each with a name of its own."""
    metrics = {
        f"{name}_{metric}": value
        for name, found in judgement["sets"].items()
        for metric, value in found.items()
        if metric != "examples"
    }
    retrieval = judgement["retrieval"] or {}
    return metrics | {name: value for name, value in retrieval.items() if isinstance(value, int | float)}
