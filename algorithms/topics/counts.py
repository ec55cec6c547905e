"""From bags of words to counts: lemmas, a vocabulary by scikit-learn's rules, shards of float32 rows.

The rows are those of the recipe of SageMaker's NTM notebook: scikit-learn's `CountVectorizer` with English stop words,
max_df, min_df and max_features, then the documents with more than `threshold` counted words, in random order.

Bags stream through. Their entries wait in a scratch file until the vocabulary is known; in memory stay some 200 bytes
for each distinct word, and what `algorithms.topics.rows` says.
"""

import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from scipy import sparse

from algorithms import records
from algorithms.forms import in_order
from algorithms.topics.rows import Ints, Rows, write
from data import lemmatizer as lemmatizers
from data import nearby
from data.bags import Bags
from data.counts import CHANNELS, Counts
from data.errors import CorpusError, HyperparameterError

TRAIN = 0.8  # of the documents; validation and test share the rest


class Counting(BaseModel, frozen=True, extra="forbid", json_schema_extra=in_order):
    """How texts become counts. The defaults are the notebook's, but for its lemmatizer, wordnet, which needs data."""

    strip: str = Field(
        "auto",
        title="Strip",
        description="What to take off messages: headers, quotes, footers; auto: all three of mail, or nothing.",
    )
    lemmatizer: lemmatizers.Name = Field(
        "none",
        title="Lemmatizer",
        description="What makes one word of several forms. wordnet needs nltk's data packages (NLTK_DATA).",
    )
    vocabulary_size: int = Field(
        2000, ge=1, le=1_000_000, title="Vocabulary size", description="The most frequent words, so many of them."
    )
    max_df: float = Field(
        0.95,
        gt=0,
        le=1,
        title="Most documents, as a share",
        description="Leave words out that a larger share of the documents has.",
    )
    min_df: int = Field(2, ge=1, title="Fewest documents", description="Leave words out that fewer documents have.")
    threshold: int = Field(
        25, ge=0, title="Threshold", description="Leave documents out that have no more counted words than this."
    )
    n_parts: int = Field(
        8, ge=1, le=10_000, title="Parts", description="Shards of the training documents; workers share them out."
    )


class Counted(NamedTuple):
    """documents: all that were read; dropped: those with too few counted words."""

    counts: Counts
    documents: int
    dropped: int


def count(
    bags: Iterable[Bags],
    folder: Path,
    counting: Counting,
    *,
    others: Mapping[str, Iterable[Bags]] | None = None,
    seed: int,
) -> Counted:
    """Write the shards of the documents into `folder`; the caller saves the index.

    others: documents of other channels by their name, counted with the vocabulary of the first. Without them, the
    first are split: 80 % to train on, 10 % each for validation and test. Raises CorpusError where no word, or no
    document of a channel, is left; HyperparameterError where max_df contradicts min_df.
    """
    folder.mkdir(parents=True, exist_ok=True)
    terms = _Terms(counting.lemmatizer)
    with ExitStack() as stack:

        def rows_of(some: Iterable[Bags]) -> Rows:
            scratch = [stack.enter_context(tempfile.TemporaryFile(dir=folder)) for _ in range(2)]
            rows = Rows(*scratch)
            for each in some:
                rows.add(*terms.of(each), each.openings)
            return rows

        rows = rows_of(bags)
        words, columns = _vocabulary(terms, rows, counting)
        every = {"train": rows} | {name: rows_of(some) for name, some in (others or {}).items()}
        columns = np.append(columns, np.full(len(terms.numbers), -1, np.int32))  # the others' own words
        kept = {name: each.keep(columns, counting.threshold, name) for name, each in every.items()}
        random = np.random.default_rng(seed)
        order = {name: random.permutation(each) for name, each in kept.items()}
        if not others:
            order, every = _split(order["train"]), dict.fromkeys(CHANNELS, rows)
        channels = {
            name: write(every[name], part, folder, name, len(words), counting.n_parts if name == "train" else 1)
            for name, part in order.items()
            if part.size
        }
        read = sum(len(each.totals) for each in {id(each): each for each in every.values()}.values())
    return Counted(Counts(len(words), words, channels), read, read - sum(each.size for each in kept.values()))


def _split(order: Ints) -> dict[str, Ints]:
    """The notebook's shares."""
    train = max(1, int(TRAIN * order.size))
    return dict(zip(CHANNELS, np.split(order, [train, train + (order.size - train) // 2]), strict=True))


def read(url: str) -> sparse.csr_matrix:
    """The rows of one shard, (N, V) float32."""
    return records.read_matrix(nearby.whole(url), path=url).features


class _Terms:
    """What words are counted as: -1, a stop word, or the number of a lemma, in the order in which they come."""

    def __init__(self, name: lemmatizers.Name) -> None:
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS  # the import takes a second

        self.lemma = lemmatizers.load(name)
        self.stop: frozenset[str] = ENGLISH_STOP_WORDS
        # scikit-learn sees lemmas alone, and so lets `ha` pass, which was `has`; a stem would hide most stop words
        self.before = frozenset[str]() if name == "wordnet" else self.stop
        self.numbers: dict[str, int] = {}
        self.of_words: dict[str, int] = {}

    def of(self, bags: Bags) -> tuple[Ints, Ints, Ints]:
        """Of each document: where its entries end, their terms, each once, and counts."""
        known = self.of_words
        terms = np.array([known[word] if word in known else self._new(word) for word in bags.words] or [-1], np.int64)
        documents = np.repeat(np.arange(len(bags.ends)), np.diff(bags.ends, prepend=0))
        ids = terms[bags.ids]
        counted = ids >= 0
        size = max(1, len(self.numbers))
        pairs, where = np.unique(documents[counted] * size + ids[counted], return_inverse=True)
        counts = np.bincount(where, bags.counts[counted], len(pairs)).astype(np.int64)
        return np.cumsum(np.bincount(pairs // size, minlength=len(bags.ends))), pairs % size, counts

    def _new(self, word: str) -> int:
        lemma = self.lemma(word)
        stopped = lemma in self.stop or word in self.before
        self.of_words[word] = -1 if stopped else self.numbers.setdefault(lemma, len(self.numbers))
        return self.of_words[word]


def _vocabulary(terms: _Terms, rows: Rows, counting: Counting) -> tuple[list[str], NDArray[np.int32]]:
    """The words in the order of their columns, and each term's column: `CountVectorizer`'s rules."""
    documents = sum(len(ends) for ends in rows.ends) - 1
    most = counting.max_df * documents
    if most < counting.min_df:
        raise HyperparameterError(
            f"no word can be in {counting.min_df} documents and in no more than {most:g} of {documents}",
            field="max_df",
            value=counting.max_df,
            remedy="choose a larger max_df or a smaller min_df, or give more documents",
        )
    names = list(terms.numbers)
    ranked = np.array(sorted(range(len(names)), key=names.__getitem__), np.int64)
    with_it, places = rows.documents_with[ranked], rows.places_of[ranked]
    kept = np.flatnonzero((with_it <= most) & (with_it >= counting.min_df))
    if kept.size > counting.vocabulary_size:
        # not stable, and their very expression: among equally frequent words the same are kept
        kept = np.sort(kept[(-places[kept]).argsort()[: counting.vocabulary_size]])
    if not kept.size:
        what = "the text holds no words" if not names else f"of {len(names):,} words none is left"
        remedy = "give more text, or choose a smaller min_df, a larger max_df"
        raise CorpusError(what, where=f"min_df={counting.min_df}, max_df={counting.max_df}", remedy=remedy)
    columns = np.full(max(1, len(names)), -1, np.int32)
    columns[ranked[kept]] = np.arange(kept.size)
    return [names[i] for i in ranked[kept].tolist()], columns
