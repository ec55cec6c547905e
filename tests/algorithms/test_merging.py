"""Merging over processes: the same as in one place, and the same in all of them. Threads stand for processes."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from algorithms import merging
from algorithms.merging import Total, merge_over
from algorithms.state import Partial, State, merge

ROWS = 12
SHAPES = {"table": (ROWS, 5), "cube": (ROWS, 2, 3), "bias": (ROWS,), "whole": (3, 4)}
WHOLE = ("whole",)  # arrays with one evidence for all of them
EVIDENCE = [0.0, 1.0, 2.5, 40.0, 1e6]
MEMORY = {"table": 30.0, "whole": 5.0}


class Sum:
    """Adds arrays up over threads, each of which stands for a process, in the order of their numbers."""

    def __init__(self, processes: int) -> None:
        self.barrier = threading.Barrier(processes)
        self.given: list[NDArray[Any]] = [np.empty(0)] * processes
        self.journeys = [0] * processes

    def of(self, number: int) -> Total:
        def total(array: NDArray[Any]) -> Callable[[], None]:
            assert array.flags.c_contiguous
            assert array.dtype in (np.float32, np.float64)
            self.journeys[number] += 1
            return lambda: arrive(array)

        def arrive(array: NDArray[Any]) -> None:
            self.given[number] = array.copy()
            self.barrier.wait(20)
            assert len({(each.dtype, each.shape) for each in self.given}) == 1, "all call it alike"
            array[...] = sum(self.given[1:], self.given[0])
            self.barrier.wait(20)

        return total


def over(sharing: Sequence[Sequence[Partial]], base: State) -> list[State]:
    """What each process comes to."""
    within = Sum(len(sharing))

    def one(number: int) -> State:
        try:
            return merge_over(sharing[number], within.of(number), base=base)
        except BaseException:
            within.barrier.abort()
            raise

    with ThreadPoolExecutor(len(sharing)) as pool:
        states = list(pool.map(one, range(len(sharing))))
    assert len(set(within.journeys)) == 1
    return states


def trained(
    rng: np.random.Generator, base: State, draw: Callable[[int], list[float]], memory: dict[str, float]
) -> Partial:
    """A partial that has moved the rows of which it has evidence."""
    state: State = {"constant": base["constant"]}
    weight: State = {}
    for name, shape in SHAPES.items():
        evidence = np.array(draw(1 if name in WHOLE else ROWS))
        moved = (evidence > 0).reshape(-1, *[1] * (len(shape) - 1))
        step = rng.normal(size=shape).astype(np.float32)
        state[name] = np.where(moved, base[name] + step, base[name]).astype(np.float32)
        weight[name] = evidence
    return Partial(state, weight, 1.0, 1, 1, memory)


def beginning(rng: np.random.Generator) -> State:
    state: State = {name: rng.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}
    return {**state, "constant": np.arange(7)}


def copied(partials: Sequence[Partial]) -> list[Partial]:
    return [each._replace(state={name: np.array(array) for name, array in each.state.items()}) for each in partials]


@settings(max_examples=150)
@given(data=st.data())
def test_it_is_the_same_as_in_one_place(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    base = beginning(rng)
    memory = data.draw(st.sampled_from([{}, MEMORY]))
    evidence = st.sampled_from(EVIDENCE)
    touched = data.draw(st.lists(st.booleans(), min_size=ROWS, max_size=ROWS))

    def draw(size: int) -> list[float]:
        found = data.draw(st.lists(evidence, min_size=size, max_size=size))
        return found if size == 1 else [each * on for each, on in zip(found, touched, strict=True)]

    sizes = data.draw(st.lists(st.integers(1, 3), min_size=2, max_size=3))
    sharing = [[trained(rng, base, draw, memory) for _ in range(size)] for size in sizes]
    expected = merge([partial for partials in sharing for partial in copied(partials)], base=base).state
    kept = {name: array.copy() for name, array in base.items()}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(merging, "BLOCK", data.draw(st.sampled_from([1, 13, 40, 1 << 20])))
        states = over([copied(partials) for partials in sharing], base)
    for state in states:
        assert state.keys() == expected.keys()
        for name, array in state.items():
            assert array.dtype == expected[name].dtype
            assert array.tobytes() == states[0][name].tobytes(), "the same in all processes"
            np.testing.assert_allclose(array, expected[name], rtol=1e-5, atol=1e-5, err_msg=name)
    for name, array in base.items():
        np.testing.assert_array_equal(array, kept[name], err_msg="base is left alone")
    idle = np.flatnonzero(np.logical_not(touched))
    for name in SHAPES.keys() - {*WHOLE}:
        np.testing.assert_array_equal(states[0][name][idle], base[name][idle])


def part(
    base: State, rows: dict[int, float], *, evidence: float = 1.0, memory: dict[str, float] | None = None
) -> Partial:
    table, weight = np.array(base["table"]), np.zeros(len(base["table"]))
    for row, by in rows.items():
        table[row] += by
        weight[row] = evidence
    return Partial({"table": table}, {"table": weight}, 1.0, 1, 1, memory or {})


@pytest.fixture(params=[1, 1 << 16], ids=["row by row", "at once"])
def base(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> State:
    monkeypatch.setattr(merging, "BLOCK", request.param)
    return {"table": np.random.default_rng(1).random((6, 3), np.float32)}


def test_who_has_done_nothing_gets_what_others_have(base: State) -> None:
    """All partials but one are idle, and hold the base itself, as a worker does that had no part of the round."""
    idle = Partial(base, {"table": np.zeros(6)}, 0.0, 0, 0)
    worked = part(base, {1: 2.0, 4: 1.0})
    wanted = worked.state["table"].copy()
    for state in over([[idle], [worked], [idle]], base):
        np.testing.assert_array_equal(state["table"], wanted)


def test_nobody_has_done_anything(base: State) -> None:
    idle = Partial(base, {"table": np.zeros(6)}, 0.0, 0, 0)
    for state in over([[idle], [idle]], base):
        np.testing.assert_array_equal(state["table"], base["table"])


def test_few_steps_of_several_add_up(base: State) -> None:
    memory = {"table": 1e6}
    for state in over([[part(base, {2: 1.0}, memory=memory)], [part(base, {2: 3.0}, memory=memory)]], base):
        np.testing.assert_allclose(state["table"][2], base["table"][2] + 4, rtol=1e-5)
        np.testing.assert_array_equal(np.delete(state["table"], 2, 0), np.delete(base["table"], 2, 0))


def test_tables_whose_rows_are_padded() -> None:
    """As word vectors are, so that each row begins where a vector of floats does."""
    rng = np.random.default_rng(1)
    base: State = {"table": np.pad(rng.random((6, 5), np.float32), ((0, 0), (0, 3)))[:, :5]}
    sharing = [[part(base, {0: 1.0, 3: by})] for by in (1.0, 2.0)]
    for partials in sharing:
        padded = np.pad(partials[0].state["table"], ((0, 0), (0, 3)))[:, :5]
        partials[0].state["table"] = padded
    expected = merge([partials[0] for partials in sharing], base=base).state["table"]
    for state in over(sharing, base):
        np.testing.assert_allclose(state["table"], expected, rtol=1e-6)


def test_an_error_in_the_sum_leaves_the_base_alone(base: State) -> None:
    def fails(array: NDArray[Any]) -> Callable[[], None]:
        array += 1
        raise RuntimeError("Connection closed by peer")

    before = base["table"].copy()
    with pytest.raises(RuntimeError, match="closed by peer"):
        merge_over([part(base, {1: 1.0})], fails, base=base)
    np.testing.assert_array_equal(base["table"], before)
