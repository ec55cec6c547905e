"""Pairs judged by a new model and by the champion, which reads them by its own vocabulary."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from algorithms.model import load_state
from algorithms.object2vec.algorithm import Object2Vec
from algorithms.object2vec.matcher import Matcher
from algorithms.object2vec.pairing import Pairing
from data import storage
from data.pairs import Batch, Pairs, Sequences
from tasks import stages
from tasks.against import Better, Comparison
from tasks.object2vec.evaluate import Evaluated, ids_of
from tasks.object2vec.text import Prepared
from tasks.object2vec.train import Trained
from tasks.publish import MODEL
from tasks.train import STATE

if TYPE_CHECKING:
    from algorithms.object2vec.judge import Judge

Ids: TypeAlias = tuple[Mapping[str, int], Mapping[str, int]]
CLASSES: dict[str, Better] = {"accuracy": "higher", "cross_entropy": "lower"}
SCORES: dict[str, Better] = {"mean_squared_error": "lower", "pearson": "higher", "spearman": "higher"}


def metrics_of(form: Object2Vec) -> dict[str, Better]:
    """What models of this objective can be judged by."""
    return SCORES if form.regression else CLASSES


def beside(
    champion: str, prepared: Prepared, trained: Trained, evaluated: Evaluated, form: Object2Vec, pairing: Pairing
) -> Comparison:
    """The metrics of the published model `champion`, "" for none, and of what was trained.

    On the validation pairs; where there are none the test pairs, or the sample of training pairs that is judged.
    """
    from algorithms.object2vec.judge import Judge  # torch and scipy take seconds to import

    which = next(
        name
        for name in ("validation", "test", "train")
        if f"{name}_{next(iter(metrics_of(form)))}" in evaluated.metrics
    )
    ours = {metric: evaluated.metrics.get(f"{which}_{metric}") for metric in metrics_of(form)}
    on = f"{which} pairs"
    if not champion:
        return Comparison({metric: (None, value) for metric, value in ours.items()}, on=on)
    matcher = Matcher.load(storage.join(champion, MODEL))
    theirs: Mapping[str, float] = {}
    with stages.at_hand(trained.url) as folder:
        ids = ids_of(folder)
        note = _unlike(matcher, form, ids)
        if not note:
            state = load_state(Path(folder) / STATE)
            batch = _pairs(Judge(form, state, ids=ids), prepared, which, pairing, seed=trained.seed)
            theirs, note = _measured(matcher, batch, ids)
    return Comparison({metric: (theirs.get(metric), value) for metric, value in ours.items()}, on=on, note=note)


def _unlike(matcher: Matcher, form: Object2Vec, ids: Ids) -> str:
    """Why the champion cannot be asked, or nothing."""
    if matcher.form.regression != form.regression:
        return "the champion has another objective"
    if any(bool(one) != bool(other) for one, other in zip(matcher.ids, ids, strict=True)):
        return "one of them knows words and the other ids"
    return ""


def _pairs(judge: "Judge", prepared: Prepared, which: str, pairing: Pairing, *, seed: int) -> Batch:
    """Those that the evaluation has judged."""
    pairs = Pairs.load(prepared.url)
    shards = pairs.validation if which == "validation" else pairs.test if which == "test" else None
    pool = judge.whole(shards) if shards else judge.sample(pairs, negatives=pairing.negatives, seed=seed)
    return pool.pairs


def _measured(matcher: Matcher, batch: Batch, ids: Ids) -> tuple[dict[str, float], str]:
    """What the champion makes of pairs, or why it cannot."""
    from algorithms.object2vec.judge import Judge

    form = matcher.form
    if not form.regression and batch.labels.max(initial=0) >= form.num_classes:
        return {}, f"the champion has {form.num_classes} classes"
    sides = [_read(each, side, matcher, ids[side]) for side, each in enumerate((batch.in0, batch.in1))]
    return Judge(form, matcher.state, ids=matcher.ids).measure(Batch(sides[0], sides[1], batch.labels)), ""


def _read(given: Sequences, side: int, matcher: Matcher, ids: Mapping[str, int]) -> Sequences:
    """The same sequences by the champion's ids: unknown words, and ids that it does not have, are 0."""
    most = len(matcher.state["tokens_0" if matcher.form.tied else f"tokens_{side}"])
    size = max([int(given.tokens.max(initial=0)), *ids.values()]) + 1
    table: NDArray[np.int32] = np.arange(size, dtype=np.int32)
    if ids:
        table[:] = 0
        for word, number in ids.items():
            table[number] = matcher.ids[side].get(word, 0)
    table[table >= most] = 0
    return Sequences(table[given.tokens], given.offsets)
