"""What of topics can be compared with others: the words that they tell apart, and what each is made of."""

from pathlib import Path

import numpy as np

from algorithms.drift.models import Matter
from algorithms.drift.topics import TopicWords
from algorithms.model import load_state
from algorithms.topics.algorithm import Topics
from algorithms.topics.answers import FORM, STATE, VOCABULARY
from data import storage

NAME, EVALUATION = "topics", "eval.json"


def published(folder: Path) -> Matter:
    """Of a model that was published, in a local folder whose files may be deleted then."""
    form = Topics(**storage.read_json(str(folder / FORM)))
    return trained(form, folder / STATE, folder / VOCABULARY, folder / EVALUATION)


def trained(form: Topics, state: Path, vocabulary: Path, evaluation: Path) -> Matter:
    """Of what a training has left, and what it was found to be worth. Words or not, shares or not: as they are there.

    Words come first that a topic weighs most: nobody has kept how often the text has them.
    """
    weights = form.topic_word(load_state(state))
    if not vocabulary.exists():
        return Matter(NAME)
    words = vocabulary.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    judged = storage.read_json(str(evaluation))["topics"] if evaluation.exists() else []
    shares = [float(topic["share"]) for topic in judged] if len(judged) == len(weights) else []
    order = np.argsort(-weights.max(axis=0), kind="stable").tolist()
    return Matter(NAME, [words[word] for word in order], topics=TopicWords(words, weights, shares))
