"""How many pairs a second a model trains on, with dense gradients of its token vectors and with row_sparse ones.

The setting is that of SageMaker's notebook of document embeddings; words are as frequent as Zipf's law has it, 50 in
each sequence. A process holds one vocabulary and takes steps both ways in turn, from the same state: where the machine
slows down, it does so for both.
"""

import time
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
PAIRS, LENGTH, DIM = 512, 50, 300  # of a mini-batch; words of a sequence; numbers of a vector
EXPONENT = 1.15  # a mini-batch then has as many different words as one of Wikipedia's articles with 42,000 words
MOST_STEPS = 50  # of one measurement
WHOLE = Span(0, 1)


def measured(*, vocabulary: int, threads: int, repetitions: int, seconds: float, seed: int, dim: int = DIM) -> Figures:
    """Samples a second in every repetition, by storage; how many different words a mini-batch has; GB of the state.

    seconds: what one measurement takes, about, where that is more than a step.
    """
    state = _form("dense", dim).init(_of_size(vocabulary), seed=seed)
    stepping = _Stepping(state, vocabulary, threads, dim, seed)
    steps = {}
    for storage in STORAGES:
        stepping.seconds(storage, 1)  # compiles, and touches memory for the first time
        steps[storage] = int(np.clip(seconds / stepping.seconds(storage, 1), 1, MOST_STEPS))
    one: dict[str, list[float]] = {storage: [] for storage in STORAGES}
    more: dict[str, list[float]] = {storage: [] for storage in STORAGES}
    for storage in STORAGES * repetitions:
        one[storage].append(stepping.seconds(storage, 1))
        more[storage].append(stepping.seconds(storage, 1 + steps[storage]))
    # the first step pays for what a round does once, however many steps it has
    found = {
        storage: [PAIRS * steps[storage] / (took - min(one[storage])) for took in more[storage]] for storage in STORAGES
    }
    words = np.mean([np.unique(zipf(vocabulary, 2 * PAIRS * LENGTH, stepping.rng)).size for _ in range(5)])
    gigabytes = sum(array.nbytes for array in state.values()) / 1e9
    return {"samples_per_second": found, "different_words": float(words), "gigabytes": gigabytes}


class _Stepping:
    """Both ways of training one state, in place: they have the same arrays."""

    def __init__(self, state: "State", vocabulary: int, threads: int, dim: int, seed: int) -> None:
        self.state, self.vocabulary, self.threads, self.seed = state, vocabulary, threads, seed
        self.rng = np.random.default_rng(seed)
        self.forms = {storage: _form(storage, dim) for storage in STORAGES}

    def seconds(self, storage: str, steps: int) -> float:
        """How long a round of so many steps takes."""
        batch = pairs(self.vocabulary, steps, self.rng)
        begun = time.perf_counter()
        done = self.forms[storage].update(
            self.state, [batch], span=WHOLE, threads=self.threads, seed=self.seed, alone=True
        )
        took, self.state = time.perf_counter() - begun, done.state
        return took


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
