"""What of an Object2Vec can be compared with another one: its words or ids, and which are near each other.

They are near by the vectors of their tokens, and by what the encoders make of each as a sequence of its own.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from algorithms.drift.models import Matter
from algorithms.drift.neighbours import AMONG, Space
from algorithms.model import load_state
from algorithms.object2vec.algorithm import Object2Vec
from algorithms.object2vec.forward import Forward
from algorithms.object2vec.matcher import Matcher
from algorithms.state import State

NAME = "object2vec"
BLOCK = 4096  # sequences that are encoded at a time
ENCODED = 10_000  # words


def published(folder: Path) -> Matter:
    """Of a model that was published, in a local folder whose files may be deleted then."""
    matcher = Matcher.load(str(folder))
    return _matter(matcher.form, matcher.state, matcher.ids)


def trained(form: Object2Vec, state: Path, ids: tuple[Mapping[str, int], Mapping[str, int]]) -> Matter:
    """Of what a training has left. ids: of the words of in0 and of in1, empty where nobody has said them."""
    return _matter(form, load_state(state), ids)


def _matter(form: Object2Vec, state: State, ids: tuple[Mapping[str, int], Mapping[str, int]]) -> Matter:
    """Words by their ids, by which frequent ones come first where texts were numbered."""
    forward = Forward(form, state)
    spaces, every = list[Space](), list[str]()
    for side, encoder in enumerate(form.encoders):
        table = forward.tables[side]
        rows = sorted((row, word) for word, row in ids[side].items() if 0 < row < len(table))
        rows = (rows or [(row, str(row)) for row in range(len(table))])[:AMONG]
        words, numbers = [word for _, word in rows], np.array([row for row, _ in rows], np.int64)
        every += words
        if not (side and form.tied):
            name = "tokens" if form.tied else f"tokens of in{side}"
            spaces.append(Space(name, words, partial(_tokens, table, numbers)))
        if encoder.network != "pooled_embedding" and not (side and form.tied_encoders):  # of one token that is its row
            name = "encodings" if form.tied_encoders else f"encodings of in{side}"
            some = numbers[:ENCODED]
            spaces.append(Space(name, words[:ENCODED], partial(_encodings, forward, some, side)))
    return Matter(NAME, [*dict.fromkeys(every)], spaces=spaces)


def _tokens(table: NDArray[np.float32], numbers: NDArray[np.int64]) -> NDArray[np.float32]:
    return np.asarray(table[numbers], np.float32)


def _encodings(forward: Forward, numbers: NDArray[np.int64], side: int) -> NDArray[np.float32]:
    """(n, enc_dim) of sequences of one token each."""
    blocks = np.array_split(numbers, max(1, -(-len(numbers) // BLOCK)))
    return np.concatenate([forward.encode([[number] for number in block.tolist()], side=side) for block in blocks])
