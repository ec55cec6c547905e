"""Mixtures of a few documents at once: the encoder, in numpy, as `Topics.infer` has it in torch.

Requests bring ten documents of fifty words. A tensor operation costs more than these do; and torch two seconds to
import. Documents N, words V, topics K, units H of a layer.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from algorithms.state import State
from data.errors import EmbertextError

if TYPE_CHECKING:
    from algorithms.topics.algorithm import Topics

Floats = NDArray[np.float32]

EPSILON = 1e-3  # of batch normalisation, as in `layers`


class Counts(NamedTuple):
    """Words of a document, and how often each stands there: (n,) both."""

    columns: NDArray[np.signedinteger]
    counts: Floats


class _Layer(NamedTuple):
    weight: Floats  # (I, H)
    bias: Floats  # (H,)


class Mixtures:
    """The encoder of a state: what is needed of it, with normalisation multiplied into the weights."""

    def __init__(self, form: "Topics", state: State) -> None:
        arrays = cast(dict[str, Floats], state)
        names = [*(f"encoder_{number}" for number in range(len(form.layers))), "posterior"]
        self._first, *self._layers = [_layer(arrays, name) for name in names]
        weight, bias = self._layers[-1]
        if weight.shape[1] != 2 * form.num_topics:
            what = f"a posterior of {weight.shape[1]} numbers, the form has {form.num_topics} topics"
            raise EmbertextError(what, where="state", remedy="give the files of one training")
        means = slice(form.num_topics)  # the other half are spreads
        self._layers[-1] = _Layer(np.ascontiguousarray(weight[:, means]), bias[means])
        self._activate, self._logarithm = ACTIVATIONS[form.encoder_layers_activation], form.logarithm
        self.words, self.topics = len(self._first.weight), form.num_topics

    def of(self, documents: Sequence[Counts]) -> Floats:
        """(N, K): rows that sum to 1."""
        weight, bias = self._first
        values = np.empty((len(documents), len(bias)), np.float32)
        for place, (columns, counts) in enumerate(documents):
            shown = np.log1p(counts) if self._logarithm else counts
            np.dot(shown, weight[columns], out=values[place])
        values += bias
        for layer in self._layers:
            values = self._activate(values) @ layer.weight
            values += layer.bias
        shares: Floats = np.exp(values - values.max(axis=1, keepdims=True, initial=-np.inf))
        shares /= shares.sum(axis=1, keepdims=True)
        return shares


def _layer(arrays: dict[str, Floats], name: str) -> _Layer:
    weight, bias = arrays[name], arrays[f"{name}_bias"]
    if f"{name}_mean" not in arrays:
        return _Layer(weight, bias)
    scale = 1 / np.sqrt(arrays[f"{name}_variance"] + np.float32(EPSILON))
    return _Layer(weight * scale, bias - arrays[f"{name}_mean"] * scale)


def _sigmoid(values: Floats) -> Floats:
    """By tanh, which nothing makes overflow."""
    values *= np.float32(0.5)
    np.tanh(values, out=values)
    values += 1
    values *= np.float32(0.5)
    return values


ACTIVATIONS: dict[str, Callable[[Floats], Floats]] = {
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "relu": lambda values: np.maximum(values, np.float32(0)),
    "softplus": lambda values: np.logaddexp(values, np.float32(0)),
}
"""Perhaps in place."""
