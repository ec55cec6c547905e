"""Other documents than those that were learned from, counted with the same words: a corpus to judge coherence by."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import sparse

from algorithms.topics.counts import Counting
from data import bags, lemmatizer, messages
from data.batches import batches
from data.sources import Source


def counted(source: Source, words: Sequence[str], counting: Counting) -> Iterator[tuple[sparse.csr_matrix, float]]:
    """The documents of a text as (N, V) float32, in blocks, and how far they reach (0..1). words: of the V columns.

    Short documents stay: what is asked is which words occur together, and a short document says so too.
    """
    columns = {word: column for column, word in enumerate(words)}
    lemma = lemmatizer.load(counting.lemmatizer)
    strip = messages.parts(counting.strip, source.kind)
    for batch in batches(source):
        found = bags.count(batch.texts, trained=counting.lemmatizer == "wordnet", strip=strip)
        column = np.array([columns.get(lemma(word), -1) for word in found.words] or [-1], np.int64)[found.ids]
        row = np.repeat(np.arange(len(found.ends)), np.diff(found.ends, prepend=0))
        known = column >= 0
        entries = found.counts[known].astype(np.float32), (row[known], column[known])
        yield sparse.csr_matrix(entries, shape=(len(found.ends), len(words))), batch.progress
