"""How many pairs a second a model trains on, with dense gradients of its token vectors and with row_sparse ones.

The setting is that of SageMaker's notebook of document embeddings: a sentence of an article and the rest of it, 50
words of each at most. Every vocabulary has the same articles: words that it has no room for are unknown, between those
that it has there are any number of others, which these articles lack. Beside this, words as frequent as Zipf's law has
it, of which a larger vocabulary has more different ones. One process holds all vocabularies and takes steps in each way
in turn: where the machine slows down, it does so for all. Time is that of the clock and that of the processor, which on
a busy machine leaves out what others had; with one thread, as here, both are the same on an idle one.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from algorithms.object2vec.minibatch import taken
from algorithms.object2vec.pairing import Pairing
from algorithms.protocol import Span
from benchmarks import documents, towers
from benchmarks.harness import Figures, answer
from data.pairs import Batch, Pairs, Shards

if TYPE_CHECKING:
    from algorithms.object2vec.algorithm import Object2Vec
    from algorithms.state import State

ARTICLES, ZIPF = "articles", "zipf"
WAYS = {  # storage and words of each
    "dense": ("dense", ARTICLES), "row_sparse": ("row_sparse", ARTICLES), "row_sparse, zipf": ("row_sparse", ZIPF),
}  # fmt: skip
CLOCKS = ("wall", "processor")
PAIRS, LENGTH, DIM = 512, 50, 300  # of a mini-batch; words of a sequence, at most; numbers of a vector
EXPONENT = 1.15
MOST_STEPS = 50  # of one measurement
WHOLE = Span(0, 1)

Ids = NDArray[np.int32]


def steps(*, small: bool, **options: Any) -> Figures:
    """`measured` with the training articles of the other parts."""
    pairing = Pairing(tokenizer=documents.TOKENIZER, min_count=1)
    with tempfile.TemporaryDirectory() as folder:
        pairs = towers.prepared(documents.articles(small=small).documents, Path(folder), pairing, seed=1)
        (batch,) = (piece.read() for piece in pairs.train.all())
        return measured(pairs=batch, **options)


def measured(
    *, pairs: Batch, vocabularies: Sequence[int], threads: int, repetitions: int, seconds: float, seed: int,
    dim: int = DIM,
) -> Figures:  # fmt: skip
    """For each vocabulary, by way and by clock, samples a second in every repetition; and what a step is made of.

    pairs: their ids are ranks, by falling count. seconds: what one measurement takes, about, where that is more than a
    step.
    """
    states = [_Stepping(vocabulary, pairs, threads, dim, seed) for vocabulary in vocabularies]
    ways = [(state, way) for state in states for way in WAYS]
    steps: dict[_Way, int] = {}
    one: dict[_Way, list[_Took]] = {way: [] for way in ways}
    more: dict[_Way, list[_Took]] = {way: [] for way in ways}
    for state, name in ways:
        state.took(name, 1)  # compiles, and touches memory for the first time
        steps[state, name] = int(np.clip(seconds / state.took(name, 1)[0], 1, MOST_STEPS))
    for way in ways * repetitions:
        state, name = way
        one[way].append(state.took(name, 1))
        more[way].append(state.took(name, 1 + steps[way]))
    found: Figures = {}
    for state in states:
        speeds: Figures = {}
        for name in WAYS:
            way = state, name
            # the first step pays for what a round does once, however many steps it has
            seconds_of = np.array(more[way]) - np.min(one[way], axis=0)
            speeds[name] = dict(zip(CLOCKS, (PAIRS * steps[way] / seconds_of.T).tolist(), strict=True))
        found[str(state.vocabulary)] = {
            "samples_per_second": speeds, "gigabytes": state.gigabytes(),
            "different_words": {words: state.different_words(words) for words in (ARTICLES, ZIPF)},
        }  # fmt: skip
    return {"vocabularies": found}


class _Stepping:
    """All ways of training one state, in place: they have the same arrays."""

    def __init__(self, vocabulary: int, pairs: Batch, threads: int, dim: int, seed: int) -> None:
        self.vocabulary, self.threads, self.seed = vocabulary, threads, seed
        self.rng = np.random.default_rng(seed)
        self.pairs = within(vocabulary, pairs, self.rng)
        self.forms = {storage: _form(storage, dim) for storage in ("dense", "row_sparse")}
        self.state: State = self.forms["dense"].init(_of_size(vocabulary), seed=seed)

    def took(self, way: str, steps: int) -> "_Took":
        """How long a round of so many steps takes, by each of CLOCKS."""
        storage, words = WAYS[way]
        batch = self.drawn(words, steps * PAIRS)
        wall, processor = time.perf_counter(), time.process_time()
        done = self.forms[storage].update(
            self.state, [batch], span=WHOLE, threads=self.threads, seed=self.seed, alone=True
        )
        took = time.perf_counter() - wall, time.process_time() - processor
        self.state = done.state
        return took

    def drawn(self, words: str, size: int) -> Batch:
        """So many pairs; labels at random."""
        chosen = self.rng.integers(self.pairs.size, size=size)
        sides = [taken(side, chosen, longest=LENGTH) for side in (self.pairs.in0, self.pairs.in1)]
        if words == ZIPF:
            sides = [side._replace(tokens=zipf(self.vocabulary, len(side.tokens), self.rng)) for side in sides]
        return Batch(sides[0], sides[1], self.rng.integers(2, size=size).astype(np.float32))

    def different_words(self, words: str) -> float:
        """In a mini-batch, on average."""
        batches = (self.drawn(words, PAIRS) for _ in range(5))
        return float(np.mean([np.unique(np.concatenate([each.in0.tokens, each.in1.tokens])).size for each in batches]))

    def gigabytes(self) -> float:
        """What the state takes."""
        return sum(array.nbytes for array in self.state.values()) / 1e9


_Way = tuple[_Stepping, str]
_Took = tuple[float, float]  # by each of CLOCKS


def _form(storage: str, dim: int) -> "Object2Vec":
    from algorithms.object2vec.algorithm import Object2Vec

    return Object2Vec.model_validate(
        {
            "enc0_network": "pooled_embedding", "enc0_max_seq_len": LENGTH, "enc_dim": dim,
            "tied_token_embedding_weight": True, "comparator_list": "hadamard", "mlp_layers": 2, "mlp_dim": 512,
            "mlp_activation": "relu", "dropout": 0.4, "optimizer": "adam", "learning_rate": 0.01,
            "mini_batch_size": PAIRS, "token_embedding_storage_type": storage, "device": "cpu",
        }
    )  # fmt: skip


def _of_size(vocabulary: int) -> Pairs:
    """A corpus that has no pairs, and so many words."""
    return Pairs(None, (vocabulary, vocabulary), (LENGTH, LENGTH), Shards([], [], 0))


def within(vocabulary: int, pairs: Batch, rng: np.random.Generator) -> Batch:
    """The same words in a vocabulary: in their order, with any gaps; 0 where it has no room for so many."""
    most = max(int(side.tokens.max(initial=0)) for side in (pairs.in0, pairs.in1))
    known = min(most, vocabulary - 1)
    ids = np.zeros(most + 1, np.int32)
    ids[1 : known + 1] = np.sort(rng.permutation(vocabulary - 1)[:known]) + 1
    in0, in1 = (side._replace(tokens=ids[side.tokens]) for side in (pairs.in0, pairs.in1))
    return Batch(in0, in1, pairs.labels)


def zipf(vocabulary: int, size: int, rng: np.random.Generator) -> Ids:
    """Ids from 1, as frequent as a power of themselves, about: each is drawn from the continuous distribution."""
    left = vocabulary ** (1 - EXPONENT)  # what the inverse of its distribution function begins with
    ids = (1 - rng.random(size) * (1 - left)) ** (1 / (1 - EXPONENT))
    found: Ids = ids.astype(np.int32).clip(1, vocabulary - 1)
    return found


SYSTEMS = {"steps": steps}

if __name__ == "__main__":
    answer(SYSTEMS)
