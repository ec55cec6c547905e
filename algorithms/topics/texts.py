"""A text as counts of a model's words, as its training counted: the same tokens, stop words and lemmas.

Parts of messages are not taken off: who sends a text means all of it.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from algorithms.topics.counts import Counting
from algorithms.topics.mixtures import Counts
from data import bags, lemmatizer
from data.punkt import Punkt


class Texts:
    """words: of the columns; counting: the fields of a `Counting`. Raises CorpusError where data is missing for it."""

    def __init__(self, words: Sequence[str], counting: Mapping[str, Any]) -> None:
        self._columns = {word: column for column, word in enumerate(words)}
        self._lemmatizer = Counting(**counting).lemmatizer
        lemmatizer.check(self._lemmatizer)

    def count(self, text: str) -> Counts:
        """The words that the model knows; none where it knows none."""
        found = Counter(self._column(word) for word in bags.words(text.lower(), self._sentences))
        del found[-1]
        return Counts(np.array([*found], np.int64), np.array([*found.values()], np.float32))

    @cached_property
    def _sentences(self) -> Punkt:
        return Punkt.load() if self._lemmatizer == "wordnet" else Punkt()

    @cached_property
    def _column(self) -> Callable[[str], int]:
        """A word's column, or -1."""
        columns = self._columns
        if self._lemmatizer == "none":  # stop words are in no vocabulary
            return lambda word: columns.get(word, -1)
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS  # the import takes a second

        lemma = lemmatizer.load(self._lemmatizer)
        before = frozenset() if self._lemmatizer == "wordnet" else ENGLISH_STOP_WORDS  # as in `counts`
        return lambda word: -1 if word in before else columns.get(lemma(word), -1)
