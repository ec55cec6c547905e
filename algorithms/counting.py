"""From text to a prepared corpus in one pass over the bytes: count, prune, order, encode.

The text streams through; what stays in memory is one block of text with its ids (about 40 MB) and some 60 bytes for
each distinct word.
Provisional ids wait in a scratch file beside the shards until the counts say which words stay.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from algorithms.kernels import counting as kernel
from data.corpus import SENTENCE_END, Corpus
from data.errors import CorpusError
from data.vocabulary import Vocabulary

Scalar = TypeVar("Scalar", bound=np.generic)

MAX_SHARD = 1 << 24  # ids: 64 MB
MIN_SHARD = 1 << 16
SHARDS = 16  # of a corpus between the two, so that a few workers have equal parts


class WordTable:
    """Distinct words with their counts, growing; in order of first occurrence. words: a power of two to start with."""

    def __init__(self, words: int = 1 << 16) -> None:
        self.slots = np.full(4 * words, -1, np.int32)
        self.hashes: NDArray[np.uint64] = np.zeros(words, np.uint64)
        self.ends: NDArray[np.int64] = np.zeros(words, np.int64)
        self.counts: NDArray[np.int64] = np.zeros(words, np.int64)
        self.letters: NDArray[np.uint8] = np.zeros(16 * words, np.uint8)
        self.cursor = np.zeros(5, np.int64)

    def encode(self, text: bytes) -> NDArray[np.int32]:
        """Count the tokens of `text` and return their provisional ids, -1 after each sentence."""
        ids = np.empty(len(text) + 1, np.int32)  # pages that no token reaches are never touched
        array = np.frombuffer(text, np.uint8)
        self.cursor[[kernel.POSITION, kernel.TOKENS]] = 0
        while not kernel.scan(array, self.slots, self.hashes, self.ends, self.letters, self.counts, ids, self.cursor):
            self._grow(len(text))
        return ids[: self.cursor[kernel.TOKENS]]

    def _grow(self, longest: int) -> None:
        words = int(self.cursor[kernel.WORDS])
        if self.cursor[kernel.BYTES] + longest > self.letters.size:
            self.letters = _enlarged(self.letters, 2 * self.letters.size + longest)
        if words == self.counts.size:
            self.hashes = _enlarged(self.hashes, 2 * words)
            self.ends = _enlarged(self.ends, 2 * words)
            self.counts = _enlarged(self.counts, 2 * words)
        if 2 * words >= self.slots.size:
            self.slots = np.full(4 * self.slots.size, -1, np.int32)
            kernel.rehash(self.slots, self.hashes, words)

    def vocabulary(self, min_count: int) -> tuple[Vocabulary, NDArray[np.int32]]:
        """The words seen at least `min_count` times, and the final id (or -2) of every provisional one."""
        words = int(self.cursor[kernel.WORDS])
        counts = self.counts[:words]
        order = np.argsort(-counts, kind="stable")
        order = order[counts[order] >= min_count]
        final = np.full(words + 1, -2, np.int32)
        final[order] = np.arange(order.size, dtype=np.int32)
        final[SENTENCE_END] = SENTENCE_END
        starts = np.concatenate([[0], self.ends[:words]])
        letters = self.letters.tobytes()
        return Vocabulary([letters[starts[i] : starts[i + 1]].decode() for i in order], counts[order].copy()), final


def _enlarged(array: NDArray[Scalar], size: int) -> NDArray[Scalar]:
    bigger = np.zeros(size, array.dtype)
    bigger[: array.size] = array
    return bigger


def count_and_encode(blocks: Iterable[bytes], folder: Path, *, min_count: int) -> Corpus:
    """Write the prepared corpus of `blocks` (UTF-8, cut between tokens) into `folder`, corpus.json last.

    Raises CorpusError when no word is seen `min_count` times; the folder then holds no corpus.json.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "corpus.json").unlink(missing_ok=True)  # of an earlier corpus: this one is not whole yet
    table = WordTable()
    with tempfile.TemporaryFile(dir=folder) as scratch:
        for block in blocks:
            table.encode(block).tofile(scratch)
        vocabulary, final = table.vocabulary(min_count)
        if not len(vocabulary):
            most, distinct = int(table.counts.max()), int(table.cursor[kernel.WORDS])
            if not distinct:
                raise CorpusError("the text holds no words", remedy="give more text")
            raise CorpusError(
                f"no word is seen {min_count} times, and the most frequent of {distinct} is seen {most}",
                where=f"min_count={min_count}",
                remedy=f"choose min_count <= {most}, or give more text",
            )
        tokens = int(vocabulary.counts.sum())
        shards, lengths, sentences = _write_shards(scratch, final, folder, tokens)
    corpus = Corpus(vocabulary, shards, lengths, tokens, sentences)
    corpus.save(str(folder))
    return corpus


def _write_shards(
    scratch: BinaryIO, final: NDArray[np.int32], folder: Path, tokens: int
) -> tuple[list[str], list[int], int]:
    """Translate the scratch file's provisional ids into shards of final ones: their paths, sizes, all sentences."""
    size = int(np.clip(tokens // SHARDS, MIN_SHARD, MAX_SHARD))
    shards: list[str] = []
    lengths: list[int] = []
    sentences = 0
    waiting: list[NDArray[np.int32]] = []
    held, last = 0, SENTENCE_END

    def flush() -> None:
        nonlocal held
        shards.append(str(folder / f"shard-{len(shards):05d}.npy"))
        lengths.append(held)
        np.save(shards[-1], np.concatenate(waiting))
        waiting.clear()
        held = 0

    scratch.seek(0)
    while (piece := np.fromfile(scratch, np.int32, size)).size:
        ids = final[piece]
        ids = ids[ids != -2]
        # a sentence whose words are all pruned leaves two ends in a row: keep one
        ends = ids == SENTENCE_END
        repeated = ends & np.concatenate([[last == SENTENCE_END], ends[:-1]])
        ids = ids[~repeated]
        if not ids.size:
            continue
        last = int(ids[-1])
        sentences += int((ids == SENTENCE_END).sum())
        waiting.append(ids)
        held += ids.size
        if held >= size:
            flush()
    if waiting:
        flush()
    return shards, lengths, sentences + (last != SENTENCE_END)
