"""Word vectors beside those that are the champion: the gold sets' pairs that both know, each by its own rules."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from algorithms.model import load_state
from algorithms.word2vec.algorithm import Word2Vec
from data import archives, gold, storage
from data.gold import Pair
from data.vocabulary import Vocabulary
from tasks import stages
from tasks.against import Better, Comparison
from tasks.publish import MODEL
from tasks.train import STATE, VOCABULARY, Trained
from tasks.word2vec.evaluate import lookup_of

if TYPE_CHECKING:
    from algorithms.metrics import Lookup, Vectors

METRICS: dict[str, Better] = {"mean_rho": "higher", "analogies": "higher"}
VECTORS = "vectors.bin"
COVERED = 0.8  # of the champion's pairs: who knows fewer may be right about those that are left, and is no better


def beside(champion: str, trained: Trained, form: Word2Vec, *, judged_by: str = "mean_rho") -> Comparison:
    """The metrics of the published vectors `champion`, "" for none, and of what was trained.

    mean_rho is that of the pairs that both know: the more words a model knows the rarer they are, and the harder.
    Analogies are answered only where they decide; they take minutes of large vocabularies.
    """
    from algorithms import metrics  # scipy and scikit-learn take a second to import
    from algorithms.word2vec.table import Table

    with tempfile.TemporaryDirectory(prefix="embertext-") as scratch, stages.at_hand(trained.url) as folder:
        state, vocabulary = load_state(Path(folder) / STATE), Vocabulary.load(storage.join(folder, VOCABULARY))
        lookups = [None, lookup_of(form, state, vocabulary)]
        words: list[Sequence[str]] = [(), vocabulary.words]
        vectors: list[Vectors] = [np.zeros((0, 1), np.float32), form.vectors(state)]
        if champion:
            archive = storage.join(champion, MODEL)
            table = Table(archives.unpacked(archive, Path(scratch, "model"), names={VECTORS}) / VECTORS)
            words[0], vectors[0] = table.words, table.vectors
            exact = metrics.exact(table.words, table.vectors)
            lookups[0] = metrics.with_subwords(exact, lambda asked: table.look(asked)) if table.subwords else exact
        if judged_by == "analogies":
            return Comparison({judged_by: (_analogies(words[0], vectors[0]), _analogies(words[1], vectors[1]))})
        return _similarity(lookups[0], lookups[1])


def _similarity(champion: "Lookup | None", this: "Lookup | None") -> Comparison:

    assert this
    sets = gold.wordsim()
    ours = {name: _known(pairs, this) for name, pairs in sets.items()}
    theirs = {name: _known(pairs, champion) for name, pairs in sets.items()} if champion else ours
    both = {
        name: [pair for pair, one, other in zip(pairs, ours[name], theirs[name], strict=True) if one and other]
        for name, pairs in sets.items()
    }
    pairs, its, own = (sum(map(len, both.values())), *(sum(map(np.sum, each.values())) for each in (theirs, ours)))
    values = {"mean_rho": (_mean_rho(both, champion), _mean_rho(both, this))}
    if not champion:
        return Comparison(values, on=f"{pairs:,} pairs of the gold sets")
    if pairs < 2:  # nothing to put into an order
        rho = _mean_rho(sets, champion) if its > 1 else None
        return Comparison(
            {"mean_rho": (rho, _mean_rho(sets, this) if own > 1 else None)},
            note=f"of the gold sets' pairs they know {pairs} both",
        )
    flaw = f"it knows {pairs:,} of the {its:,} pairs that the champion knows" if pairs < COVERED * its else ""
    return Comparison(values, on=f"{pairs:,} pairs of the gold sets that both know", flaw=flaw)


def _known(pairs: Sequence[Pair], lookup: "Lookup") -> NDArray[np.bool_]:
    """Which pairs have vectors for both words."""
    from algorithms import metrics

    found: NDArray[np.bool_] = metrics.find([pair.first for pair in pairs], lookup)[1]
    return found & metrics.find([pair.second for pair in pairs], lookup)[1]


def _mean_rho(sets: Mapping[str, Sequence[Pair]], lookup: "Lookup | None") -> float | None:
    from algorithms import metrics

    if lookup is None or not any(sets.values()):
        return None
    found: dict[str, Any] = metrics.evaluate_wordsim({name: pairs for name, pairs in sets.items() if pairs}, lookup)
    return float(found["mean_rho"])


def _analogies(words: Sequence[str], vectors: "Vectors") -> float | None:
    from algorithms import metrics

    answers = metrics.analogies(gold.analogies(), words, vectors) if words else {}
    return float(answers["accuracy"]) if answers.get("asked") else None
