"""A trained network on a few pairs at once, in numpy where encoders are means of rows; as `network` has it in torch.

Requests bring ten pairs. A tensor operation costs more than these do. Sequences E, pairs P, encodings of D numbers,
classes C, units H of a layer.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from algorithms.state import State
from data.pairs import Sequences

if TYPE_CHECKING:
    from algorithms.object2vec.algorithm import Object2Vec

Floats = NDArray[np.float32]

CLOSE = 1e-8  # no length counts as less, as in `comparator`
FEW = range(5, 61)  # rows for which BLAS is not the fastest
WIDE = 64  # units of a layer that is worth another way


class _Layer:
    """Weights (I, H) and a bias (H,). They come from anywhere, and the kernel believes in them: ValueError where they,
    or what they are to be multiplied by, do not fit.
    """

    def __init__(self, weight: Floats, bias: Floats) -> None:
        if weight.ndim != 2 or bias.shape != weight.shape[1:]:
            raise ValueError(f"weights {weight.shape} and bias {bias.shape} of one layer")
        self.weight, self.bias = np.ascontiguousarray(weight), bias
        self._panels: Floats | None = None

    def of(self, values: Floats) -> Floats:
        """What becomes of rows (P, I): (P, H)."""
        if values.shape[1] != len(self.weight):
            raise ValueError(f"rows {values.shape} for weights {self.weight.shape}")
        if len(values) not in FEW or len(self.bias) < WIDE:
            result: Floats = values @ self.weight
        else:
            from algorithms.kernels import few_rows  # numba, which not every model needs

            if self._panels is None:
                self._panels = few_rows.panels(self.weight)
            result = few_rows.product(values, self._panels, len(self.bias))
        result += self.bias
        return result


class Forward:
    """The weights of a state. Sequences are taken whole, whatever lengths the form has, up to the longest it can."""

    def __init__(self, form: "Object2Vec", state: State) -> None:
        arrays = cast(dict[str, Floats], state)
        self._form = type(form)(**{**form.model_dump(), "enc0_max_seq_len": 0, "enc1_max_seq_len": 0})
        self._state = state
        self.tables = [arrays["tokens_0"], arrays["tokens_0" if form.tied else "tokens_1"]]
        self._pooled = [encoder.network == "pooled_embedding" for encoder in form.encoders]
        names = [*(f"mlp_{layer}" for layer in range(1, form.mlp_layers + 1)), "output"]
        self._layers = [_Layer(arrays[name].T, arrays[f"{name}_bias"]) for name in names]
        self._scale = arrays.get("cosine_scale")

    def encode(self, sequences: Sequence[Sequence[int]], *, side: int) -> Floats:
        """(E, D). None is empty, and all ids are within the table."""
        if not self._pooled[side]:
            return self._form.embed(self._state, Sequences.of(sequences), side=side)
        table = self.tables[side]
        result = np.empty((len(sequences), table.shape[1]), np.float32)
        for place, ids in enumerate(sequences):
            np.add.reduce(table.take(ids, axis=0), axis=0, out=result[place])
            result[place] /= len(ids)
        return result

    def scores(self, in0: Floats, in1: Floats) -> Floats:
        """Of pairs of encodings (P, D) the chances of each class, (P, C); or the score, (P, 1)."""
        shown = [self._comparison(name, in0, in1) for name in self._form.comparators]
        first, *others = self._layers
        values = first.of(shown[0] if len(shown) == 1 else np.concatenate(shown, axis=1))
        for layer in others:
            values = layer.of(_activated(self._form.mlp_activation, values))
        if self._form.regression:
            return values
        values -= values.max(axis=1, keepdims=True)
        np.exp(values, out=values)
        values /= values.sum(axis=1, keepdims=True)
        return values

    def _comparison(self, name: str, in0: Floats, in1: Floats) -> Floats:
        if name == "hadamard":
            return in0 * in1
        if name == "abs_diff":
            return cast(Floats, np.abs(in0 - in1))
        if name == "concat":
            return np.concatenate([in0, in1], axis=1)
        assert name == "cosine", name
        assert self._scale is not None
        lengths = [np.maximum(np.linalg.norm(each, axis=1), np.float32(CLOSE)) for each in (in0, in1)]
        cosines = (in0 * in1).sum(axis=1) / (lengths[0] * lengths[1])
        return cast(Floats, (cosines * self._scale)[:, None])


def _activated(name: str, values: Floats) -> Floats:
    if name == "relu":
        return np.maximum(values, np.float32(0))
    return np.tanh(values) if name == "tanh" else values
