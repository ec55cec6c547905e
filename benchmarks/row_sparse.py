"""How many pairs a second a model trains on, with dense gradients of its token vectors and with row_sparse ones.

The setting is that of SageMaker's notebook of document embeddings; words are as frequent as Zipf's law has it, 50 in
each sequence. One process holds all vocabularies and takes steps both ways in turn: where the machine slows down, it
does so for all. Time is that of the clock and that of the processor, which on a busy machine leaves out what others
had; with one thread, as here, both are the same on an idle one.
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from algorithms.protocol import Span
from benchmarks.harness import Figures, answer
from data.pairs import Batch, Pairs, Sequences, Shards

if TYPE_CHECKING:
    from algorithms.object2vec.algorithm import Object2Vec
    from algorithms.state import State

STORAGES = ("dense", "row_sparse")
CLOCKS = ("wall", "processor")
PAIRS, LENGTH, DIM = 512, 50, 300  # of a mini-batch; words of a sequence; numbers of a vector
EXPONENT = 1.15  # a mini-batch then has as many different words as one of Wikipedia's articles with 42,000 words
MOST_STEPS = 50  # of one measurement
WHOLE = Span(0, 1)


def measured(
    *, vocabularies: Sequence[int], threads: int, repetitions: int, seconds: float, seed: int, dim: int = DIM
) -> Figures:
    """For each vocabulary, by storage and by clock, samples a second in every repetition; and what a step is made of.

    seconds: what one measurement takes, about, where that is more than a step.
    """
    states = [_Stepping(vocabulary, threads, dim, seed) for vocabulary in vocabularies]
    ways = [(state, storage) for state in states for storage in STORAGES]
    steps: dict[_Way, int] = {}
    one: dict[_Way, list[_Took]] = {way: [] for way in ways}
    more: dict[_Way, list[_Took]] = {way: [] for way in ways}
    for state, storage in ways:
        state.took(storage, 1)  # compiles, and touches memory for the first time
        steps[state, storage] = int(np.clip(seconds / state.took(storage, 1)[0], 1, MOST_STEPS))
    for way in ways * repetitions:
        state, storage = way
        one[way].append(state.took(storage, 1))
        more[way].append(state.took(storage, 1 + steps[way]))
    found: Figures = {}
    for state in states:
        speeds: Figures = {}
        for storage in STORAGES:
            way = state, storage
            # the first step pays for what a round does once, however many steps it has
            seconds_of = np.array(more[way]) - np.min(one[way], axis=0)
            speeds[storage] = dict(zip(CLOCKS, (PAIRS * steps[way] / seconds_of.T).tolist(), strict=True))
        found[str(state.vocabulary)] = {
            "samples_per_second": speeds, "different_words": state.different_words(), "gigabytes": state.gigabytes(),
        }  # fmt: skip
    return {"vocabularies": found}


class _Stepping:
    """Both ways of training one state, in place: they have the same arrays."""

    def __init__(self, vocabulary: int, threads: int, dim: int, seed: int) -> None:
        self.vocabulary, self.threads, self.seed = vocabulary, threads, seed
        self.rng = np.random.default_rng(seed)
        self.forms = {storage: _form(storage, dim) for storage in STORAGES}
        self.state: State = self.forms["dense"].init(_of_size(vocabulary), seed=seed)

    def took(self, storage: str, steps: int) -> "_Took":
        """How long a round of so many steps takes, by each of CLOCKS."""
        batch = pairs(self.vocabulary, steps, self.rng)
        wall, processor = time.perf_counter(), time.process_time()
        done = self.forms[storage].update(
            self.state, [batch], span=WHOLE, threads=self.threads, seed=self.seed, alone=True
        )
        took = time.perf_counter() - wall, time.process_time() - processor
        self.state = done.state
        return took

    def different_words(self) -> float:
        """In a mini-batch, on average."""
        drawn = (zipf(self.vocabulary, 2 * PAIRS * LENGTH, self.rng) for _ in range(5))
        return float(np.mean([np.unique(ids).size for ids in drawn]))

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


def pairs(vocabulary: int, steps: int, rng: np.random.Generator) -> Batch:
    """Pairs for so many mini-batches, labels at random."""
    size = steps * PAIRS
    offsets = np.arange(size + 1, dtype=np.int64) * LENGTH
    in0, in1 = (Sequences(zipf(vocabulary, size * LENGTH, rng), offsets) for _ in range(2))
    return Batch(in0, in1, rng.integers(2, size=size).astype(np.float32))


def zipf(vocabulary: int, size: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """Ids from 1, as frequent as a power of themselves, about: each is drawn from the continuous distribution."""
    left = vocabulary ** (1 - EXPONENT)  # what the inverse of its distribution function begins with
    ids = (1 - rng.random(size) * (1 - left)) ** (1 / (1 - EXPONENT))
    found: NDArray[np.int32] = ids.astype(np.int32).clip(1, vocabulary - 1)
    return found


SYSTEMS = {"steps": measured}

if __name__ == "__main__":
    answer(SYSTEMS)
