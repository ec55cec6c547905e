"""A mean of states over several processes: each has its own partial, and all get the same merged one.

As `algorithms.state.merge`, but nobody has all partials: sums over the processes are all that is asked for. Evidence
travels first; then, of all arrays one behind the other, the rows that somebody has touched, since a journey costs
more than the numbers of most arrays.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from algorithms.kernels.merging import flat, gather, scatter
from algorithms.state import Partial, State, lengthening, merge

BLOCK = 1 << 22  # numbers that travel together
UNDER_WAY = 2  # such blocks: while one is added up, the next is made, and waits for nobody (two thirds of the time)

Total = Callable[[NDArray[Any]], Callable[[], object]]
"""Begins to add up an array over all processes, in place: contiguous float32 or float64. All call it alike.

What it returns waits until that is done. Several may be under way.
"""


def merge_over(partials: Sequence[Partial], total: Total, *, base: State) -> State:
    """What `merge` makes of this process's partials and all others', trained from `base`.

    Every process has at least one partial, an idle one with no evidence. base stays as it is; the arrays of `partials`
    are used up. Sums are of the arrays' own precision, float32 or float64: equal to `merge` to its rounding, and to the
    last bit the same in all processes.
    """
    own = merge(partials)
    names = sorted(own.weight)
    if not names:
        return own.state
    state = dict(own.state)
    single = [name for name in names if state[name].dtype == np.float32]
    others = [name for name in names if name not in single]  # such as the number of steps: they go with the evidence
    shares, sums = _shares(partials, own, names, others, total)
    for name, summed in zip(others, sums, strict=True):
        state[name] = _settled(summed, state[name], shares[name], base=base[name])
    for name in single:
        state[name] = _ours(state[name], base[name])
    _average([_table(state[name], base[name], shares[name]) for name in single], total)
    return state


class _Share(NamedTuple):
    """Of each row of an array, or of it as a whole. evidence: of all; own: this process's part in the mean; longer: see
    `lengthening`.
    """

    evidence: NDArray[np.float64]
    own: NDArray[np.float64]
    longer: NDArray[np.float64]


def _shares(
    partials: Sequence[Partial], own: Partial, names: Sequence[str], others: Sequence[str], total: Total
) -> tuple[dict[str, _Share], list[NDArray[np.float64]]]:
    """From the evidence of all processes, and for arrays with a memory the squares of it, in one journey.

    With them goes what the arrays `others` sum up to, each process's weighted by its evidence.
    """
    known = [np.asarray(own.weight[name], np.float64) for name in names]
    remembered = [name for name in names if name in own.memory]
    squares: list[NDArray[Any]] = [
        np.sum([np.square(partial.weight[name], dtype=np.float64) for partial in partials], axis=0)
        for name in remembered
    ]
    weighted = [own.state[name] * _broadcast(known[names.index(name)], own.state[name]) for name in others]
    found = iter(_together([*known, *squares, *weighted], total))
    evidence = {name: next(found) for name in names}
    longer = {name: lengthening(evidence[name], next(found), own.memory[name]) for name in remembered}
    shares = {}
    for name, weight in zip(names, known, strict=True):
        length = longer.get(name, np.ones_like(weight))
        shares[name] = _Share(evidence[name], weight / np.where(evidence[name] > 0, evidence[name], 1) * length, length)
    return shares, list(found)


def _together(arrays: Sequence[NDArray[Any]], total: Total) -> list[NDArray[np.float64]]:
    """The totals of several arrays, in one journey."""
    flat = np.concatenate([np.ravel(array).astype(np.float64, copy=False) for array in arrays])
    total(flat)()
    parts = np.split(flat, np.cumsum([array.size for array in arrays])[:-1])
    return [part.reshape(array.shape) for part, array in zip(parts, arrays, strict=True)]


def _settled(summed: NDArray[np.float64], array: NDArray[Any], share: _Share, *, base: NDArray[Any]) -> NDArray[Any]:
    """The mean, after rows that have to go further went there, and untouched ones are as they were."""
    mean = summed / _broadcast(np.where(share.evidence > 0, share.evidence, 1), array)
    longer = _broadcast(share.longer, array)
    mean = mean * longer + base * (1 - longer)
    settled: NDArray[Any] = np.where(_broadcast(share.evidence > 0, array), mean, array).astype(base.dtype)
    return settled


def _ours(array: NDArray[Any], base: NDArray[Any]) -> NDArray[np.float32]:
    """An array to write the mean into: itself, where it is ours, and its rows, perhaps padded, lie in a line."""
    if array is base or not array.flags.writeable:
        return np.array(array, order="C")
    return array if np.may_share_memory(array, flat(array)[0]) else np.ascontiguousarray(array)


class _Table(NamedTuple):
    """An array as the kernels see it, and what it was trained from. rows: those that travel."""

    values: NDArray[np.float32]
    stride: int
    size: int
    base: NDArray[np.float32]
    base_stride: int
    rows: NDArray[np.int64]
    own: NDArray[np.float32]
    longer: NDArray[np.float32]


Block = list[tuple[_Table, NDArray[np.int64]]]
"""Rows of tables that travel together."""


def _table(array: NDArray[Any], base: NDArray[Any], share: _Share) -> _Table:
    base = base.astype(np.float32, copy=False)
    if share.own.size == 1 and array.flags.c_contiguous and base.flags.c_contiguous:
        array, base = array.reshape(1, -1), base.reshape(1, -1)  # one row
    count = len(array)
    rows = np.flatnonzero(np.broadcast_to(share.evidence > 0, count))
    own, longer = (np.full(count, each, np.float32) for each in (share.own, share.longer))
    (values, stride, size), (start, base_stride, _) = flat(array), flat(base)
    return _Table(values, stride, size, start, base_stride, rows, own, longer)


def _average(tables: Sequence[_Table], total: Total) -> None:
    """Put the mean into the rows that travel. The others are the same everywhere, and stay at home."""
    numbers = sum(len(table.rows) * table.size for table in tables)
    largest = max([BLOCK, *(table.size for table in tables)])
    spare = [np.empty(min(numbers, largest), np.float32) for _ in range(min(UNDER_WAY, -(-numbers // BLOCK)))]
    going: deque[tuple[Block, NDArray[np.float32], Callable[[], object]]] = deque()
    for block in _blocks(tables):
        if not spare:
            spare.append(_arrived(*going.popleft()))
        packed = spare.pop()
        for table, rows, part in _parts(block, packed):
            gather(table.values, table.stride, table.size, rows, table.own, part)
        going.append((block, packed, total(packed[: _size(block)])))
    while going:
        _arrived(*going.popleft())


def _arrived(block: Block, packed: NDArray[np.float32], wait: Callable[[], object]) -> NDArray[np.float32]:
    """Put what a block has come to where it belongs. Returns its room."""
    wait()
    for table, rows, part in _parts(block, packed):
        scatter(part, table.size, rows, table.longer, table.base, table.base_stride, table.values, table.stride)
    return packed


def _size(block: Block) -> int:
    return sum(len(rows) * table.size for table, rows in block)


def _parts(
    block: Block, packed: NDArray[np.float32]
) -> Iterator[tuple[_Table, NDArray[np.int64], NDArray[np.float32]]]:
    """Tables, rows, and where in `packed` these lie."""
    begin = 0
    for table, rows in block:
        end = begin + len(rows) * table.size
        yield table, rows, packed[begin:end]
        begin = end


def _blocks(tables: Sequence[_Table]) -> Iterator[Block]:
    """As many rows as have BLOCK numbers, of one table or of several, and at least one."""
    block: Block = []
    room = BLOCK
    for table in tables:
        rows = table.rows
        while len(rows) * table.size:
            count = max(room // table.size, not block)
            if not count:
                yield block
                block, room = [], BLOCK
                continue
            block.append((table, rows[:count]))
            room -= len(rows[:count]) * table.size
            rows = rows[count:]
    if block:
        yield block


def _broadcast(rows: NDArray[Any], array: NDArray[Any]) -> NDArray[Any]:
    return rows.reshape(-1, *[1] * (array.ndim - 1))
