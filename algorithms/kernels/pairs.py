"""Pairs of rows of two tables, each row in many pairs: their cosines, and what a row learns from those it is in.

Tables first (E0, D) and second (E1, D) of a mini-batch stay in a core's own memory; a copy of a row for each pair would
not. inverse (E,): one over the length of each row. P pairs of numbers left, right (P,).
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Longs = NDArray[np.int64]


@njit(nogil=True, cache=True, fastmath=True)
def inverses(rows: Floats, least: np.float32, inverse: Floats) -> None:
    """One over each length, none counted as less than `least`. In place."""
    for each in range(len(rows)):
        total = np.float32(0)
        for k in range(rows.shape[1]):
            total += rows[each, k] * rows[each, k]
        inverse[each] = np.float32(1) / max(np.sqrt(total), least)


@njit(nogil=True, cache=True, fastmath=True)
def cosines(
    first: Floats, second: Floats, left: Longs, right: Longs, inverse0: Floats, inverse1: Floats, result: Floats
) -> None:
    """Put the cosine of each pair into result (P,). In place."""
    for pair in range(len(left)):
        a, b = first[left[pair]], second[right[pair]]
        total = np.float32(0)
        for k in range(a.size):
            total += a[k] * b[k]
        result[pair] = total * inverse0[left[pair]] * inverse1[right[pair]]


@njit(nogil=True, cache=True, fastmath=True)
def cosine_slopes(
    rows: Floats, others: Floats, own: Longs, other: Longs, inverse: Floats, inverse_others: Floats,
    found: Floats, slopes: Floats, most: np.float32, along: Floats, result: Floats,
) -> None:  # fmt: skip
    """Put what each row learns from its cosines `found` (P,), whose slopes (P,) are given, into result (E, D).

    The slope of a cosine is the other's direction, less what of it lies along the row itself: that changes the length
    alone. A row shorter than the least length, its inverse being `most`, is divided by a constant, and keeps it. result
    and along (E,) are zeros at first. In place.
    """
    for pair in range(len(own)):
        row, learnt = own[pair], result[own[pair]]
        towards = others[other[pair]]
        share = slopes[pair] * inverse_others[other[pair]]
        for k in range(learnt.size):
            learnt[k] += share * towards[k]
        along[row] += slopes[pair] * found[pair]
    for row in range(len(rows)):
        less = along[row] * inverse[row] if inverse[row] < most else np.float32(0)
        for k in range(rows.shape[1]):
            result[row, k] = (result[row, k] - less * rows[row, k]) * inverse[row]
