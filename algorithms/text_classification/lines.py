"""Labelled lines whose words have been counted: which are trained on, which words and labels there are."""

import numpy as np
from numpy.typing import NDArray

from algorithms.counting import WordTable
from algorithms.kernels import counting
from algorithms.kernels import examples as kernel
from algorithms.kernels.lookup import UNKNOWN, mark
from algorithms.text_classification.encoder import END, LABEL, hashed
from data.corpus import SENTENCE_END
from data.errors import ExampleError
from data.vocabulary import Vocabulary

ORDER = 1  # seed of the order of the examples: the same for every training, so that they share what is prepared


class Lines:
    """The tokens of a file as provisional ids, in order of first occurrence, and what those ids are.

    ids: (T,) int32, line i being ids[starts[i] : starts[i + 1]], SENTENCE_END at its end; hashes, is_label: of each
    provisional id, and of one more, `end`, for the line's end.
    """

    def __init__(self, table: WordTable, ids: NDArray[np.int32]) -> None:
        self.ids = ids
        self.starts = np.concatenate([[0], np.flatnonzero(ids == SENTENCE_END) + 1])
        distinct = int(table.cursor[counting.WORDS])
        used = int(table.cursor[counting.BYTES])
        self.letters = np.concatenate([table.letters[:used], np.frombuffer(END, np.uint8)])
        self.ends = np.append(table.ends[:distinct], used + len(END))
        self.hashes = hashed(self.letters, self.ends)
        self.is_label = np.empty(distinct + 1, np.bool_)
        mark(self.letters, self.ends, np.frombuffer(LABEL, np.uint8).copy(), self.is_label)
        self.end = distinct
        for same in np.flatnonzero(self.hashes[:-1] == self.hashes[-1]):
            if self.name(int(same)) == END.decode():  # the text itself holds the mark
                self.end = int(same)

    def __len__(self) -> int:
        return self.starts.size - 1

    def name(self, identity: int) -> str:
        """The word of a provisional id."""
        first = self.ends[identity - 1] if identity else 0
        return self.letters[first : self.ends[identity]].tobytes().decode()

    def split(self, held_out: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The numbers of the lines to train on, and of a share of them that is held out, both shuffled.

        A line with a class that no line to train on has is trained on. Raises ExampleError for one without a label.
        """
        everything = np.arange(len(self))
        given, _ = self._labels(everything, self._counts(everything))
        if not given.all():
            raise unlabelled(int(np.argmin(given)))
        train, validation = halves(len(self), held_out)
        if not held_out:
            return train, validation
        _, strange = self._labels(validation, self._counts(train))
        return np.concatenate([train, validation[strange]]), validation[~strange]

    def _counts(self, lines: NDArray[np.int64]) -> NDArray[np.int64]:
        """How often each provisional id stands in some lines."""
        counts = np.zeros(self.is_label.size, np.int64)
        kernel.count_words(self.ids, self.starts, lines, counts)
        counts[self.end] = lines.size
        return counts

    def _labels(
        self, lines: NDArray[np.int64], counts: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """How many labels each line has, and whether it has one that these counts do not know."""
        given, strange = np.empty(lines.size, np.int32), np.empty(lines.size, np.bool_)
        kernel.count_labels(self.ids, self.starts, lines, np.where(self.is_label, counts, -1), given, strange)
        return given, strange

    def ranked(self, lines: NDArray[np.int64], *, min_count: int) -> tuple[Vocabulary, Vocabulary]:
        """The words seen at least `min_count` times in some lines, and all their labels; the most frequent first."""
        counts = self._counts(lines)
        order = np.argsort(-counts, kind="stable")
        found = [order[(counts[order] > 0) & self.is_label[order]]]
        found.insert(0, order[(counts[order] >= max(min_count, 1)) & ~self.is_label[order]])
        self.words, self.labels = found
        words, labels = (Vocabulary([self.name(int(i)) for i in each], counts[each]) for each in found)
        return words, labels

    def rows(self) -> NDArray[np.int32]:
        """What each provisional id is to `kernels.examples`, after `ranked`."""
        rows = np.full(self.is_label.size, UNKNOWN, np.int32)
        rows[self.words] = np.arange(self.words.size)
        rows[self.labels] = -2 - np.arange(self.labels.size)
        return rows


def halves(lines: int, held_out: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The numbers of so many lines, shuffled: those to train on, and the share to hold out, classes not looked at."""
    order = np.random.default_rng(ORDER).permutation(lines)
    size = min(round(held_out * lines), lines - 1) if held_out else 0
    return order[size:], order[:size]


def unlabelled(index: int) -> ExampleError:
    """What there is to say of a line without a label."""
    remedy = f"begin the line with its class, as in: {LABEL.decode()}sports the match was won"
    return ExampleError("no label", index=index, remedy=remedy)
