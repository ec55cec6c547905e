"""Steps of the optimizers, each in one pass over numbers that tensor operations would pass over five or ten times.

All arrays are flat and of one size; what an optimizer does not use is not looked at. settings: scale, clip, decay,
rate, epsilon and the follows, as `algorithms.optimizers.Rule` has them.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def sgd(value: Floats, slope: Floats, first: Floats, second: Floats, settings: Floats) -> None:
    """One step of plain gradient descent. In place, as are the others."""
    scale, clip, decay, rate = settings[0], settings[1], settings[2], settings[3]
    for i in range(value.size):
        gradient = min(max(scale * slope[i], -clip), clip)
        value[i] -= rate * (gradient + decay * value[i])


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def adagrad(value: Floats, slope: Floats, first: Floats, second: Floats, settings: Floats) -> None:
    """first: sums of squared gradients (Duchi et al. 2011)."""
    scale, clip, decay, rate, epsilon = settings[0], settings[1], settings[2], settings[3], settings[4]
    for i in range(value.size):
        gradient = min(max(scale * slope[i], -clip), clip)
        squares = first[i] + gradient * gradient
        first[i] = squares
        value[i] -= rate * (gradient / math.sqrt(squares + epsilon) + decay * value[i])


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def rmsprop(value: Floats, slope: Floats, first: Floats, second: Floats, settings: Floats) -> None:
    """first: running means of squared gradients (Tieleman & Hinton 2012)."""
    scale, clip, decay, rate, epsilon = settings[0], settings[1], settings[2], settings[3], settings[4]
    follow = settings[5]
    for i in range(value.size):
        gradient = min(max(scale * slope[i] + decay * value[i], -clip), clip)
        squares = first[i] + follow * (gradient * gradient - first[i])
        first[i] = squares
        value[i] -= rate * gradient / math.sqrt(squares + epsilon)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def adam(value: Floats, slope: Floats, first: Floats, second: Floats, settings: Floats) -> None:
    """first, second: running means of gradients and of their squares (Kingma & Ba 2015); rate is corrected."""
    scale, clip, decay, rate, epsilon = settings[0], settings[1], settings[2], settings[3], settings[4]
    follow, follow_squares = settings[5], settings[6]
    for i in range(value.size):
        gradient = min(max(scale * slope[i] + decay * value[i], -clip), clip)
        mean = first[i] + follow * (gradient - first[i])
        squares = second[i] + follow_squares * (gradient * gradient - second[i])
        first[i] = mean
        second[i] = squares
        value[i] -= rate * mean / (math.sqrt(squares) + epsilon)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def adadelta(value: Floats, slope: Floats, first: Floats, second: Floats, settings: Floats) -> None:
    """first, second: running means of squared gradients and of squared steps (Zeiler 2012)."""
    scale, clip, decay, rate, epsilon = settings[0], settings[1], settings[2], settings[3], settings[4]
    follow = settings[5]
    for i in range(value.size):
        gradient = min(max(scale * slope[i], -clip), clip)
        squares = first[i] + follow * (gradient * gradient - first[i])
        step = math.sqrt((second[i] + epsilon) / (squares + epsilon)) * gradient
        first[i] = squares
        second[i] += follow * (step * step - second[i])
        value[i] -= rate * (step + decay * value[i])
