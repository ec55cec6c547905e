"""From labelled lines to prepared examples: count the words, keep the frequent ones, write rows and labels once.

fastText reads, splits and hashes its text anew in every epoch; here that is done once, and an epoch reads numbers.
The examples are shuffled, so that every stretch of them is a fair sample, whatever the order of the file.
"""

import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from algorithms.counting import WordTable
from algorithms.kernels import examples as kernel
from algorithms.kernels.lookup import UNKNOWN, enter_buckets
from algorithms.text_classification.encoder import LABEL, Encoder, power_of_two
from algorithms.text_classification.lines import Lines, unlabelled
from data.errors import CorpusError, ExampleError
from data.examples import Batch, Examples, Shards

MAX_SHARD = 1 << 24  # numbers of a stream: 64 MB
GROW = UNKNOWN - 1  # tells the kernel to give a bucket without a row the next one


def encode(
    blocks: Iterable[bytes], folder: Path, *, min_count: int, word_ngrams: int, buckets: int, held_out: float = 0
) -> Examples:
    """Write the examples of fastText lines (UTF-8, cut between tokens) into `folder`; the caller saves the index.

    held_out: the share (0..1) of the lines kept for validation, drawn at random, but none with a class that no other
    line has. Raises ExampleError for a line without a label, CorpusError where there are no lines, or fewer than two
    classes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table = WordTable()
    with tempfile.TemporaryFile(dir=folder) as scratch:
        for block in blocks:
            table.encode(block).tofile(scratch)
        table.encode(b"\n").tofile(scratch)
        if not scratch.tell():
            raise no_words()
        scratch.flush()
        lines = Lines(table, np.asarray(np.memmap(scratch, np.int32, mode="c")))
        train, validation = lines.split(held_out)
        vocabulary, labels = lines.ranked(train, min_count=min_count)
        if len(labels) < 2:
            what = f"all {len(lines):,} examples are of one class, {_class(labels.words[0])}"
            raise CorpusError(what, remedy="give examples of two classes or more")
        seen = _Buckets(len(vocabulary), word_ngrams, buckets)
        trained = _write(folder, "train", lines, train, seen)
        judged = _write(folder, "validation", lines, validation, seen, grow=False) if validation.size else None
        return Examples(vocabulary, labels, seen.keys[: seen.known].copy(), trained, judged)


def encode_validation(
    blocks: Iterable[bytes], folder: Path, examples: Examples, *, word_ngrams: int, buckets: int
) -> Examples:
    """Write the examples of other lines, with the words, labels and buckets of the training examples, beside them.

    Raises ExampleError for a line without a label, and for one with a label that no training example has; CorpusError
    where there are no lines.
    """
    nobody = len(examples.vocabulary) + examples.buckets.size
    encoder = Encoder(
        [word.encode() for word in examples.vocabulary.words],
        [label.encode() for label in examples.labels.words],
        word_ngrams=word_ngrams,
        buckets=buckets,
        bucket_rows=examples.buckets,
        missing=nobody,
    )
    writer = Writer(folder, "validation")
    for text in whole_lines(blocks):
        batch = encoder.encode(text)
        _check_labels(text, batch, examples, before=writer.size)
        writer.add(batch)
    if not writer.size:
        raise no_words()
    return examples._replace(validation=writer.shards())


class _Buckets:
    """Which n-gram buckets have a row, in the order in which they came: keys[:known]."""

    def __init__(self, words: int, ngrams: int, buckets: int) -> None:
        self.words, self.ngrams, self.buckets, self.known = words, ngrams, buckets, 0
        self.resize(1 << 16)

    def resize(self, size: int) -> None:
        """Make room for `size` of them."""
        before = self.keys[: self.known] if self.known else np.empty(0, np.int64)
        self.keys: NDArray[np.int64] = np.empty(size, np.int64)
        self.keys[: self.known] = before
        self.slots = np.full(power_of_two(2 * size), -1, np.int64)
        enter_buckets(self.slots, self.keys[: self.known])


def _write(
    folder: Path, name: str, lines: Lines, order: NDArray[np.int64], seen: _Buckets, *, grow: bool = True
) -> Shards:
    """Write the examples of the lines `order`. Buckets that are new get a row, or that of nobody."""
    writer, rows = Writer(folder, name), lines.rows()
    lengths = lines.starts[order + 1] - lines.starts[order]
    longest = int(lengths.max()) + 1
    most = min(seen.ngrams, longest)  # n-grams that begin with one word
    hashes, grams = np.empty(longest, np.int32), np.empty(longest * most, np.int64)
    room = np.cumsum(2 + lengths * np.minimum(seen.ngrams, lengths))  # more than any example takes
    first = 0
    while first < order.size:
        taken = room[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(room, taken + MAX_SHARD, side="right")))
        stream = np.empty(int(room[last - 1] - taken), np.int32)
        offsets, cursor = np.zeros(last - first + 1, np.int64), np.zeros(4, np.int64)
        cursor[kernel.BUCKETS] = seen.known
        missing = GROW if grow else seen.words + seen.known
        while not kernel.encode_ids(
            lines.ids, lines.starts, order[first:last], rows, lines.hashes, lines.end, seen.ngrams, seen.buckets,
            seen.words, seen.slots, seen.keys, missing, hashes, grams, stream, offsets, cursor,
        ):  # fmt: skip
            seen.known = int(cursor[kernel.BUCKETS])
            seen.resize(2 * seen.keys.size + longest * most)
        if grow:
            seen.known = int(cursor[kernel.BUCKETS])
        writer.add(Batch(stream[: cursor[kernel.USED]], offsets))
        first = last
    return writer.shards()


class Writer:
    """Writes shards of a set of examples, one for each batch."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.streams: list[str] = []
        self.offsets: list[str] = []
        self.sizes: list[int] = []
        self.tokens = 0

    @property
    def size(self) -> int:
        """How many examples have been written."""
        return sum(self.sizes)

    def add(self, batch: Batch) -> None:
        """Write a shard."""
        number = f"{len(self.sizes):05d}.npy"
        for kind, array, urls in (("stream", batch.stream, self.streams), ("offsets", batch.offsets, self.offsets)):
            urls.append(str(self.folder / f"{self.name}-{kind}-{number}"))
            np.save(urls[-1], array)
        self.sizes.append(batch.size)
        self.tokens += int(batch.stream[batch.offsets[:-1]].sum())

    def shards(self) -> Shards:
        """All that has been written."""
        return Shards(self.streams, self.offsets, self.sizes, self.tokens)


def whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The same text in blocks that end with a line."""
    begun: list[bytes] = []
    for block in blocks:
        end = block.rfind(b"\n") + 1
        if end:
            yield b"".join([*begun, block[:end]])
            begun = []
        begun.append(block[end:])
    if rest := b"".join(begun):
        yield rest + b"\n"


def no_words() -> CorpusError:
    """What there is to say of a text without lines."""
    return CorpusError("the text holds no words", remedy="give labelled lines")


def _class(label: str) -> str:
    """A label as it is shown."""
    return label.removeprefix(LABEL.decode()) or label


def _check_labels(text: bytes, batch: Batch, examples: Examples, *, before: int) -> None:
    """Raise ExampleError for the first example without a label, or with an unknown one."""
    starts, labels = batch.labels()
    given = np.diff(starts)
    if not given.all():
        raise unlabelled(before + int(np.argmin(given)))
    for strange in np.flatnonzero(labels == UNKNOWN)[:1]:
        index = int(np.searchsorted(starts[1:], strange, side="right"))
        line = [tokens for line in text.decode().split("\n") if (tokens := re.findall(r"[^ \0\t\v\f\r]+", line))][index]
        name = next(word for word in line if word.startswith(LABEL.decode()) and word not in examples.labels.index)
        raise ExampleError(
            f"the class {_class(name)} is in no training example",
            index=before + index,
            remedy="leave the line out, or train on examples of its class",
        )
