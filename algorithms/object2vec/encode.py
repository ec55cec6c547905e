"""From pairs as they were read to prepared pairs: sets, vocabulary, ids, shards.

The training pairs are shuffled, so that every stretch of them is a fair sample, whatever the order of the file. A set
to be judged by that has positive pairs only gets others that are none, each behind the pair whose in0 it has.
"""

import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from algorithms.counting import WordTable
from algorithms.kernels import counting as kernel
from algorithms.object2vec.negatives import negatives
from algorithms.object2vec.pairing import Pairing
from algorithms.object2vec.waiting import Chosen, Ints, Waiting, joint
from data.errors import CorpusError
from data.pair_records import Read
from data.pairs import PAD, SETS, Pairs, Shards
from data.vocabulary import Vocabulary


class Encoded(NamedTuple):
    """skipped: documents of fewer than two sentences, or blank lines, of all sets."""

    pairs: Pairs
    skipped: int


def encode(
    train: Iterable[Read],
    folder: Path,
    pairing: Pairing,
    *,
    others: Mapping[str, Iterable[Read]] | None = None,
    texts: bool,
    held_out: float,
    seed: int,
) -> Encoded:
    """Write the shards of all sets into `folder`; the caller saves the index.

    others: pairs of the sets validation and test; without them the share `held_out` (0..1) of the pairs is taken out
    for each, and no document, and no in1, of the training is among them. texts: whether words are to be numbered.
    Raises CorpusError where there is no pair, or no word is seen often enough.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table = WordTable() if texts else None
    rng = np.random.default_rng(seed)
    with ExitStack() as stack:

        def waiting_of(name: str, reads: Iterable[Read]) -> Waiting:
            found = Waiting(stack.enter_context(tempfile.TemporaryFile(dir=folder)), reads, table)
            if not found.size:
                what = f"no pairs in it, and {found.skipped:,} documents of fewer than two sentences, or blank lines"
                raise CorpusError(what, where=f"channel {name}", remedy="give pairs, or documents of several sentences")
            return found

        sources = {"train": waiting_of("train", train)}
        sources |= {name: waiting_of(name, reads) for name, reads in (others or {}).items()}
        sets = {name: (each, np.arange(each.size)) for name, each in sources.items()}
        if not others and held_out:
            waiting = sources["train"]
            sets = {name: (waiting, some) for name, some in split(waiting.groups(), held_out, rng).items()}
        waiting, trained = sets["train"]
        vocabulary = final = None
        if table:
            vocabulary, final = _vocabulary(table, waiting, trained, pairing)
        positives = np.sort(np.concatenate([_positives(each) for each in sources.values()]))
        written: dict[str, Shards] = {}
        for name, (each, members) in sets.items():
            order = rng.permutation(members)
            chosen = Chosen(order, order, each.labels[order])
            if name != "train":
                chosen = _judged(each, chosen, positives, pairing.negatives, rng)
            written[name] = each.write(chosen, folder, name, final)
    largest = np.max([each.largest for each in sources.values()], axis=0) if not vocabulary else [len(vocabulary)] * 2
    longest = waiting.lengths[trained].max(axis=0)
    sizes = int(largest[0]) + 1, int(largest[1]) + 1
    pairs = Pairs(vocabulary, sizes, (int(longest[0]), int(longest[1])), **written)
    return Encoded(pairs, sum(each.skipped for each in sources.values()))


def split(groups: Ints, share: float, rng: np.random.Generator) -> dict[str, Ints]:
    """The numbers of the pairs of each set. groups: (E,); none is in two sets, and large ones are trained on."""
    sizes = np.bincount(groups)
    want = max(1, round(share * len(groups)))
    candidates = rng.permutation(np.flatnonzero((sizes > 0) & (sizes <= want)))
    ends = np.cumsum(sizes[candidates])
    of_group = np.zeros(len(sizes), np.int8)
    of_group[candidates[ends <= want]] = SETS.index("test")
    of_group[candidates[(ends > want) & (ends <= 2 * want)]] = SETS.index("validation")
    found = {name: np.flatnonzero(of_group[groups] == number) for number, name in enumerate(SETS)}
    if not all(each.size for each in found.values()):  # too few of them
        return {"train": np.arange(len(groups))}
    return found


def _judged(
    waiting: Waiting, chosen: Chosen, positives: NDArray[np.uint64], each: int, rng: np.random.Generator
) -> Chosen:
    """The same pairs; where a source has positive ones alone, others that are none behind each, `each` of them."""
    order = chosen.in0
    if not each or not np.all(waiting.labels == 1):
        return chosen
    documents = waiting.documents[order] if waiting.documents.size else waiting.documents
    in0, in1 = negatives(waiting.codes[order], documents, positives, each=each, rng=rng)
    itself = np.arange(len(order))
    first, second = np.concatenate([itself, in0]), np.concatenate([itself, in1])
    labels = np.zeros(len(first), np.float32)
    labels[: len(order)] = 1
    place = np.argsort(first, kind="stable")  # a pair, then those that are none
    return Chosen(order[first[place]], order[second[place]], labels[place])


def _positives(waiting: Waiting) -> NDArray[np.uint64]:
    """What identifies the pairs of a source that are pairs."""
    right = waiting.labels > 0
    return joint(waiting.codes[right, 0], waiting.codes[right, 1])


def _vocabulary(
    table: WordTable, waiting: Waiting, train: Ints, pairing: Pairing
) -> tuple[Vocabulary, NDArray[np.int32]]:
    """The words of the training texts, each text once, and the id of every provisional one, 0 for those left out."""
    words = int(table.cursor[kernel.WORDS])
    counts = np.zeros(words, np.int64)
    waiting.count(train, counts, pairing.sentences)
    most = int(counts.max())
    table.counts[:words] = counts
    vocabulary, ranks = table.vocabulary(pairing.min_count)
    if PAD in vocabulary.index:  # in a text it stands for nothing else
        place = vocabulary.index[PAD]
        ranks = np.where(ranks == place, -1, np.where(ranks > place, ranks - 1, ranks)).astype(np.int32)
        kept = [*range(place), *range(place + 1, len(vocabulary))]
        vocabulary = Vocabulary([vocabulary.words[i] for i in kept], vocabulary.counts[kept])
    size = min(len(vocabulary), pairing.max_vocabulary)
    if not size:
        what = f"no word is seen {pairing.min_count} times, and the most frequent of {words} is seen {most}"
        remedy = f"choose min_count <= {most}, or give more text"
        raise CorpusError(what, where=f"min_count={pairing.min_count}", remedy=remedy)
    ids = np.where((ranks >= 0) & (ranks < size), ranks + 1, 0).astype(np.int32)
    return Vocabulary(vocabulary.words[:size], vocabulary.counts[:size]), ids
