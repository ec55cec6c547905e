"""Judging as a stage: human similarity judgements, analogies, neighbours, a map of the words."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from prefect import task

from algorithms.model import load_state
from algorithms.state import State
from algorithms.word2vec.algorithm import Word2Vec
from data import gold, storage
from data.vocabulary import Vocabulary
from tasks import stages
from tasks.network import NETWORK
from tasks.progress import log, progress
from tasks.train import STATE, VOCABULARY, Trained
from tasks.watch import watching

EVALUATION, JUDGEMENT, MAP = "eval.json", "judgement.json", "map.npy"
QUERIES, NEIGHBOURS = 8, 8
MAPPED_WORDS = 400


class Evaluated(stages.Stage, frozen=True):
    """metrics: eval.json and the analogies; neighbours: of a few words, the nearest first."""

    metrics: dict[str, Any]
    neighbours: dict[str, list[str]]


@task(
    name="evaluate",
    description="Judge the vectors on WordSim-353, and on analogies when asked; find neighbours, map the words.",
    **NETWORK,
)
def evaluate(trained: Trained, word2vec: Word2Vec, *, analogies: bool = False) -> Evaluated:
    """A folder with eval.json (when the form asks for it), judgement.json (the rest), map.npy (n, 2) float64.

    While a sweep watches there are metrics alone: a map takes longer than many a training, and is of the best model.
    """
    from algorithms import metrics  # scipy, matplotlib and scikit-learn take a second to import
    from tasks import maps

    start = time.perf_counter()
    pairs = gold.wordsim() if word2vec.evaluation else {}
    questions = gold.analogies() if analogies else {}
    alone = {"metrics": "alone"} if watching() else {}
    url = stages.folder(
        "evaluate",
        work=trained.work,
        trained=trained.key,
        pairs={name: [list(pair) for pair in judged] for name, judged in pairs.items()},
        questions=questions,
        **alone,
    )
    if done := stages.finished(url, Evaluated):
        return stages.reused(done)
    with progress("evaluate") as report, stages.workbench(url) as scratch:
        with stages.at_hand(trained.url) as folder:
            state = load_state(Path(folder) / STATE)
            vocabulary = Vocabulary.load(storage.join(folder, VOCABULARY))
        vectors = word2vec.vectors(state)
        lookup = lookup_of(word2vec, state, vocabulary)
        found: dict[str, Any] = metrics.evaluate_wordsim(pairs, lookup) if pairs else {}
        if found:
            storage.write_json(str(scratch / EVALUATION), found)
            log().info("#mean_rho: %s", found["mean_rho"])  # the line that BlazingText's tuning jobs look for
        report(0.2, "")
        answers = metrics.analogies(questions, vocabulary.words, vectors) if questions else None
        shown = [] if alone else queries(vocabulary.words)
        near = metrics.neighbours(vocabulary.words, vectors, shown, k=NEIGHBOURS) if shown else {}
        report(0.4, "")
        judgement = {
            "analogies": answers,
            "neighbours": near,
            "points": metrics.pair_scores(pairs[gold.ALL], lookup).tolist() if gold.ALL in pairs else None,
        }
        storage.write_json(str(scratch / JUDGEMENT), judgement)
        positions = None if alone else maps.place(vectors[:MAPPED_WORDS], seed=trained.seed)
        np.save(scratch / MAP, np.empty((0, 2)) if positions is None else positions)
        if answers:
            found |= {"analogies": {name: value for name, value in answers.items() if name != "sections"}}
        evaluated = Evaluated(
            url=url,
            seconds=time.perf_counter() - start,
            metrics=found,
            neighbours={word: [neighbour for neighbour, _ in nearest] for word, nearest in near.items()},
        )
        stages.conclude(scratch, evaluated)
    return evaluated


def similarity(word2vec: Word2Vec, state: State, vocabulary: Vocabulary) -> dict[str, Any]:
    """eval.json of a state, which need not be the last."""
    from algorithms import metrics

    return metrics.evaluate_wordsim(gold.wordsim(), lookup_of(word2vec, state, vocabulary))


def lookup_of(word2vec: Word2Vec, state: State, vocabulary: Vocabulary) -> Any:
    """How words become vectors; `algorithms.metrics.Lookup`."""
    from algorithms import metrics

    lookup = metrics.exact(vocabulary.words, word2vec.vectors(state))
    if word2vec.subwords:
        lookup = metrics.with_subwords(lookup, partial(word2vec.infer, state, vocabulary))
    return lookup


def read_evaluation(folder: str) -> dict[str, Any] | None:
    """eval.json out of a folder that `evaluate` made, if its form asked for one."""
    path = storage.join(folder, EVALUATION)
    return dict(storage.read_json(path)) if storage.exists(path) else None


def read_map(folder: str) -> NDArray[np.float64] | None:
    """Positions of the most frequent words (n, 2), if there are enough of them for a map."""
    positions: NDArray[np.float64] = np.load(storage.join(folder, MAP))
    return positions if len(positions) else None


def queries(words: Sequence[str], *, skip: int = 100) -> list[str]:
    """A few words to show: of four letters or more, behind the stop words, from frequent to rare."""
    skip = min(skip, len(words) // 4)
    ranks = np.geomspace(skip + 1, max(len(words) // 4, skip + 1), QUERIES).astype(int) - 1
    shown: list[str] = []
    for rank in ranks:
        fit = (word for word in words[rank:] if len(word) >= 4 and word.isalpha() and word not in shown)
        shown += [word] if (word := next(fit, "")) else []
    return shown
