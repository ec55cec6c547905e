"""Loops over the rows of a token table that a mini-batch has: which they are, their means, what goes back to them.

E sequences of a mini-batch with N ids in all, U of them different; a table (V, D). No loop passes over the table.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels.optimizers import adagrad, adam, sgd
from algorithms.kernels.rng import HIGH
from algorithms.kernels.simd import LANES, clip, divide, fma, load, prefetch_early, root, splat, store, times

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]

SGD, ADAGRAD, ADAM = 0, 1, 2
AHEAD = 12  # rows that are asked for before their turn
ONE = np.float32(1)


@njit(nogil=True, cache=True)
def hash_sequences(tokens: Ints, offsets: Longs, longest: int, keys: NDArray[np.uint64]) -> None:
    """Put 64 bits of the first `longest` ids of each sequence into keys (E,). In place.

    Each step is a bijection that depends on the id (a product with an odd number, high bits folded into low ones), and
    so are the two at the end, splitmix64's: that two of a million sequences have one key has a chance of 1 in 4 * 10^7.
    """
    for each in range(keys.size):
        first = offsets[each]
        last = min(offsets[each + 1], first + longest)
        key = np.uint64(last - first) + np.uint64(0x9E3779B97F4A7C15)
        for at in range(first, last):
            key = (key ^ np.uint64(tokens[at])) * np.uint64(0xD6E8FEB86659FD93)
            key ^= key >> HIGH
        key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        keys[each] = key ^ (key >> np.uint64(31))


@njit(nogil=True, cache=True)
def take(tokens: Ints, offsets: Longs, chosen: Longs, starts: Longs, ids: Ints) -> None:
    """Put the chosen sequences into ids (N,), each cut to the room that starts (E + 1,) leave it. In place."""
    for each in range(chosen.size):
        shift = offsets[chosen[each]] - starts[each]
        for at in range(starts[each], starts[each + 1]):
            ids[at] = tokens[at + shift]


@njit(nogil=True, cache=True)
def number(ids: Ints, numbers: Ints, unique: Ints, local: Ints) -> int:
    """How many different ids there are: in unique[:U], as they come; local (N,) has their numbers. In place.

    numbers (V,): -1 everywhere, before and after. It is never passed over as a whole.
    """
    count = 0
    for at in range(ids.size):
        found = numbers[ids[at]]
        if found < 0:
            found = count
            numbers[ids[at]] = found
            unique[found] = ids[at]
            count += 1
        local[at] = found
    for each in range(count):
        numbers[unique[each]] = -1
    return count


@njit(nogil=True, cache=True)
def places(local: Ints, starts: Longs, begins: Ints, owners: Ints) -> None:
    """Id by id the sequences that have it, one that has it twice, twice: owners[begins[u] : begins[u + 1]]. In place.

    begins (U + 1,) is all zeros at first.
    """
    for at in range(local.size):
        begins[local[at] + 1] += 1
    for each in range(1, begins.size):
        begins[each] += begins[each - 1]
    for each in range(starts.size - 1):  # each id's beginning moves to its end, where the next one begins
        for at in range(starts[each], starts[each + 1]):
            place = begins[local[at]]
            begins[local[at]] += 1
            owners[place] = each
    for each in range(begins.size - 1, 0, -1):
        begins[each] = begins[each - 1]
    begins[0] = 0


@njit(nogil=True, cache=True, fastmath=True)
def means(table: Floats, ids: Ints, starts: Longs, first: int, last: int, result: Floats) -> None:
    """result[first:last] (E, D) get the means of the rows of each sequence. In place."""
    dim = table.shape[1]
    for each in range(first, last):
        mean = result[each]
        mean[:] = 0
        at, end = starts[each], starts[each + 1]
        while at + 4 <= end:  # four rows at a time: the sum is read and written a fourth as often
            a, b, c, d = table[ids[at]], table[ids[at + 1]], table[ids[at + 2]], table[ids[at + 3]]
            for k in range(dim):
                mean[k] += (a[k] + b[k]) + (c[k] + d[k])
            at += 4
        while at < end:
            a = table[ids[at]]
            for k in range(dim):
                mean[k] += a[k]
            at += 1
        share = np.float32(1 / (end - starts[each]))
        for k in range(dim):
            mean[k] *= share


@njit(nogil=True, cache=True, fastmath=True)
def gathered(slopes: Floats, owners: Ints, first: int, last: int, slope: Floats) -> None:
    """Put the sum of the rows owners[first:last] into slope (D,). In place."""
    slope[:] = 0
    at = first
    while at + 4 <= last:
        a, b, c, d = slopes[owners[at]], slopes[owners[at + 1]], slopes[owners[at + 2]], slopes[owners[at + 3]]
        for k in range(slope.size):
            slope[k] += (a[k] + b[k]) + (c[k] + d[k])
        at += 4
    while at < last:
        a = slopes[owners[at]]
        for k in range(slope.size):
            slope[k] += a[k]
        at += 1


@njit(nogil=True, cache=True)
def spread(slopes: Floats, begins: Ints, owners: Ints, first: int, last: int, result: Floats) -> None:
    """result[first:last] (U, D) get what each id learns: the sums of slopes (E, D) of who has it. In place."""
    for each in range(first, last):
        gathered(slopes, owners, begins[each], begins[each + 1], result[each])


@njit(nogil=True, cache=True)
def spread_and_move_rows(
    kind: int, table: Floats, one: Floats, two: Floats, rows: Ints, slopes: Floats, begins: Ints, owners: Ints,
    settings: Floats, first: int, last: int,
) -> None:  # fmt: skip
    """One step of the optimizer `kind` for the rows[first:last] of a table and of its slots `one` and `two`. In place.

    Row u learns the sum of the slopes (E, D) of who has it, which is never in memory. settings as the optimizers'
    kernels have them. Other rows are not looked at.
    """
    dim = table.shape[1]
    if kind == ADAM and dim >= LANES:
        _adam_rows(table, one, two, rows, slopes, begins, owners, settings, first, last)
        return
    slope = np.empty(dim, np.float32)
    for each in range(first, last):
        gathered(slopes, owners, begins[each], begins[each + 1], slope)
        row = rows[each]
        if kind == ADAM:
            adam(table[row], slope, one[row], two[row], settings)
        elif kind == ADAGRAD:
            adagrad(table[row], slope, one[row], slope, settings)
        else:
            sgd(table[row], slope, slope, slope, settings)


@njit(nogil=True, forceinline=True)
def _adam_rows(
    table: Floats, one: Floats, two: Floats, rows: Ints, slopes: Floats, begins: Ints, owners: Ints,
    settings: Floats, first: int, last: int,
) -> None:  # fmt: skip
    """A step of adam for rows that lie far apart, of which each is asked for long before its turn, line by line.

    Sum and step are one pass: four fifths of the time of one after the other (measured), most of it the memory's.
    """
    dim = table.shape[1]
    values, means, squares, learnt = table.reshape(-1), one.reshape(-1), two.reshape(-1), slopes.reshape(-1)
    scale, limit, decay, rate = splat(settings[0]), splat(settings[1]), splat(settings[2]), splat(-settings[3])
    epsilon, follow, follow_squares = splat(settings[4]), splat(settings[5]), splat(settings[6])
    keep, keep_squares, unit = splat(ONE - settings[5]), splat(ONE - settings[6]), splat(ONE)
    for each in range(first, last):
        begin, end = begins[each], begins[each + 1]
        row, soon = np.int64(rows[each]) * dim, np.int64(rows[min(each + AHEAD, last - 1)]) * dim
        last_mean, last_square, last_value = unit, unit, unit
        # what may overlap at a row's end is computed first, and stored last
        for turn in range(-1, dim // LANES):
            k = turn * LANES if turn >= 0 else dim - LANES
            prefetch_early(values, soon + k)
            prefetch_early(means, soon + k)
            prefetch_early(squares, soon + k)
            gradient = load(learnt, np.int64(owners[begin]) * dim + k)
            for at in range(begin + 1, end):
                gradient = fma(unit, load(learnt, np.int64(owners[at]) * dim + k), gradient)
            value, place = load(values, row + k), row + k
            gradient = clip(fma(scale, gradient, times(decay, value)), limit)
            mean = fma(keep, load(means, place), times(follow, gradient))
            square = fma(keep_squares, load(squares, place), times(times(follow_squares, gradient), gradient))
            value = fma(times(rate, mean), divide(unit, fma(unit, root(square), epsilon)), value)
            if turn < 0:
                last_mean, last_square, last_value = mean, square, value
            else:
                store(means, place, mean)
                store(squares, place, square)
                store(values, place, value)
        store(means, row + dim - LANES, last_mean)
        store(squares, row + dim - LANES, last_square)
        store(values, row + dim - LANES, last_value)
