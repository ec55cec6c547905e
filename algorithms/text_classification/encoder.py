"""From lines of text to the rows and labels of examples, with a vocabulary that stands."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from algorithms.kernels.examples import LINE, USED
from algorithms.kernels.lookup import UNKNOWN, enter_buckets, enter_words, hash_words
from algorithms.kernels.texts import encode_text
from data.examples import Batch

LABEL = b"__label__"
END = b"</s>"  # fastText's end of a line: a word like others


class Encoder:
    """Knows the words and labels of a model, and which row each of its n-gram buckets has.

    bucket_rows: (U,) int64, the bucket of each row behind the words; None where every bucket has a row of its own.
    missing: the row that stands for a bucket without one; UNKNOWN where such an n-gram does not count at all.
    """

    def __init__(
        self,
        words: Sequence[bytes],
        labels: Sequence[bytes],
        *,
        word_ngrams: int,
        buckets: int,
        bucket_rows: NDArray[np.int64] | None,
        missing: int = UNKNOWN,
        min_char: int = 0,
        max_char: int = 0,
    ) -> None:
        self.words, self.word_ngrams, self.buckets, self.missing = len(words), word_ngrams, buckets, missing
        self.min_char, self.max_char = min_char, max_char
        entries = [*words, *labels]
        if END not in entries:
            entries.append(END)
        self.letters = np.frombuffer(b"".join(entries), np.uint8).copy()
        self.ends = np.cumsum([len(entry) for entry in entries], dtype=np.int64)
        self.entries = np.full(power_of_two(2 * len(entries)), -1, np.int64)
        enter_words(self.entries, hashed(self.letters, self.ends))
        self.end_entry = entries.index(END)
        self.end_hash = int(hashed(_END, np.array([len(END)]))[0])
        self.slots = np.empty(0, np.int64)
        if bucket_rows is not None:
            self.slots = np.full(power_of_two(2 * bucket_rows.size), -1, np.int64)
            enter_buckets(self.slots, np.require(bucket_rows, np.int64, "W"))

    def encode(self, text: bytes, *, blanks: bool = False) -> Batch:
        r"""The examples of the lines of `text`, each with "\n" at its end.

        A line without tokens is an example only where `blanks` is set. A label that training has not seen is the number
        UNKNOWN; all that begins with `__label__` is a label.
        """
        assert not text or text.endswith(b"\n")
        letters, parts = np.frombuffer(text, np.uint8), text.split(b"\n")
        lines, longest = len(parts) - 1, max(map(len, parts)) + 1
        tokens = longest // 2 + 2
        runs = max(1, min(self.word_ngrams, tokens))
        grams = np.empty(max((longest + 2) * min(self.max_char, longest + 2), tokens * runs), np.int64)
        # room for tokens of two letters; pages that are not reached are never touched
        stream = np.empty((len(text) // 2 + lines + 8) * runs + 2 * lines, np.int32)
        offsets = np.zeros(lines + 1, np.int64)
        cursor = np.zeros(4, np.int64)
        while not encode_text(
            letters, self.entries, self.letters, self.ends, self.words, self.end_entry, self.end_hash, _PREFIX,
            self.min_char, self.max_char, self.word_ngrams, self.buckets, self.slots, self.missing, blanks, tokens,
            grams, stream, offsets, cursor,
        ):  # fmt: skip
            stream = np.concatenate([stream, np.empty_like(stream)])
        return Batch(stream[: cursor[USED]], offsets[: cursor[LINE] + 1])


# copies, because numba would compile anew for a read-only array
_PREFIX, _END = (np.frombuffer(each, np.uint8).copy() for each in (LABEL, END))


def hashed(letters: NDArray[np.uint8], ends: NDArray[np.int64]) -> NDArray[np.int32]:
    """FastText's hash of each word letters[ends[w - 1] : ends[w]], (W,) int32."""
    hashes = np.empty(ends.size, np.int32)
    hash_words(letters, ends, hashes)
    return hashes


def power_of_two(least: int) -> int:
    """The smallest power of two that is larger than `least`."""
    return 1 << max(4, least.bit_length())
