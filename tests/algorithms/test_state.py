import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from algorithms.state import Partial, lengthening, merge

ROWS, DIM = 4, 3
COUNTS = np.arange(ROWS)
NUMBERS = st.floats(-1e6, 1e6, width=32)
EVIDENCE = st.sampled_from([0.0, 1.0, 2.5, 1e9])


@st.composite
def partials(draw: st.DrawFn) -> Partial:
    return Partial(
        state={
            "vectors": draw(hnp.arrays(np.float32, (ROWS, DIM), elements=NUMBERS)),
            "bias": draw(hnp.arrays(np.float32, (DIM,), elements=NUMBERS)),
            "counts": COUNTS,
        },
        weight={
            "vectors": draw(hnp.arrays(np.float64, (ROWS,), elements=EVIDENCE)),
            "bias": draw(hnp.arrays(np.float64, (1,), elements=EVIDENCE)),
        },
        loss=draw(st.integers(0, 1000)),
        examples=draw(st.integers(0, 1000)),
        words=draw(st.integers(0, 1000)),
    )


@given(partials())
def test_merge_of_one_is_that_one(partial: Partial) -> None:
    merged = merge([partial])
    assert all(merged.state[name] is array for name, array in partial.state.items())
    assert merged == partial


@given(partials(), st.lists(hnp.arrays(np.float64, (ROWS,), elements=EVIDENCE), min_size=1, max_size=3))
def test_merge_of_equals_is_their_state(partial: Partial, weights: list[np.ndarray]) -> None:
    merged = merge([partial, *(partial._replace(weight={**partial.weight, "vectors": weight}) for weight in weights)])
    for name, array in partial.state.items():
        assert merged.state[name].dtype == array.dtype
        np.testing.assert_array_equal(merged.state[name], array)


@given(st.lists(partials(), min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_order_does_not_matter(parts: list[Partial], random: object) -> None:
    # a row that nobody touched is equal in all partials
    for name in ("vectors", "bias"):
        idle = sum(part.weight[name] for part in parts) == 0
        rows = np.broadcast_to(idle, len(parts[0].state[name]))
        for part in parts[1:]:
            part.state[name][rows] = parts[0].state[name][rows]
    shuffled = list(parts)
    random.shuffle(shuffled)
    one, other = merge(parts), merge(shuffled)
    for name in one.state:
        np.testing.assert_allclose(one.state[name], other.state[name], rtol=1e-6, atol=1e-6)
    for name in one.weight:
        np.testing.assert_allclose(one.weight[name], other.weight[name])
    assert one[2:] == other[2:]


@given(st.lists(partials(), min_size=3, max_size=3))
def test_merging_in_two_steps_is_merging_at_once(parts: list[Partial]) -> None:
    for part in parts:
        part.weight["vectors"] += 1
        part.weight["bias"] += 1
    at_once, in_steps = merge(parts), merge([merge(parts[:2]), parts[2]])
    for name in at_once.state:
        np.testing.assert_allclose(in_steps.state[name], at_once.state[name], rtol=1e-5, atol=0.2)
    assert in_steps[2:] == at_once[2:]


@given(st.lists(partials(), min_size=2, max_size=4))
def test_losses_and_counts_add_up(parts: list[Partial]) -> None:
    merged = merge(parts)
    for field in ("loss", "examples", "words"):
        assert getattr(merged, field) == sum(getattr(part, field) for part in parts)
    for name in ("vectors", "bias"):
        np.testing.assert_allclose(merged.weight[name], sum(part.weight[name] for part in parts))


def part(rows: list[float], weights: list[float]) -> Partial:
    vectors = np.array(rows, np.float32)[:, None]
    return Partial({"vectors": vectors, "counts": COUNTS}, {"vectors": np.array(weights)}, 1.0, 1, 1)


def test_rows_are_means_by_evidence() -> None:
    #            shared, only the first, only the second, nobody
    one = part([1, 0.1, 5, 7], [3, 0.001, 0, 0])
    two = part([5, 6, 0.3, 7], [1, 0, 1e9, 0])
    merged = merge([one, two])
    np.testing.assert_array_equal(merged.state["vectors"][:, 0], np.array([2, 0.1, 0.3, 7], np.float32))
    np.testing.assert_array_equal(merged.weight["vectors"], [4, 0.001, 1e9, 0])


def test_arrays_without_evidence_are_constants() -> None:
    merged = merge([part([1, 2, 3, 4], [1] * 4)] * 3)
    assert merged.state["counts"] is COUNTS
    assert list(merged.state) == ["vectors", "counts"]
    assert list(merged.weight) == ["vectors"]


def test_arguments_stay_as_they_are() -> None:
    one, two = part([1, 2, 3, 4], [1] * 4), part([5, 6, 7, 8], [2] * 4)
    merge([one, two])
    np.testing.assert_array_equal(one.state["vectors"][:, 0], [1, 2, 3, 4])
    np.testing.assert_array_equal(two.weight["vectors"], [2] * 4)


def longer(steps: list[float], memory: float) -> float:
    """What workers who made so many steps each lengthen their mean by."""
    made = np.array(steps)
    return float(lengthening(np.array([made.sum()]), np.array([np.square(made).sum()]), memory)[0])


@given(st.floats(1, 1e9), st.floats(1, 1e9))
def test_one_worker_has_gone_far_enough(steps: float, memory: float) -> None:
    np.testing.assert_allclose(longer([steps, 0, 0], memory), 1)


@given(st.integers(1, 32), st.floats(1, 1e3))
def test_few_steps_add_up(workers: int, steps: float) -> None:
    np.testing.assert_allclose(longer([steps] * workers, 1e9), workers, rtol=1e-3)


@given(st.integers(1, 32), st.floats(1e3, 1e9))
def test_after_many_steps_the_mean_is_right(workers: int, steps: float) -> None:
    np.testing.assert_allclose(longer([steps] * workers, 10), 1)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=8), st.floats(1, 1e6))
def test_a_mean_is_lengthened_by_the_number_of_workers_at_most(steps: list[float], memory: float) -> None:
    assert 1 - 1e-9 <= longer(steps, memory) <= len(steps) * (1 + 1e-9)


def test_without_evidence_nothing_is_lengthened() -> None:
    assert longer([0, 0], 10) == 1


def test_between_the_two_rows_go_as_far_as_one_worker_had_gone() -> None:
    """Each of 3 workers starts at 0 and takes a tenth of the way to 1, 5 times."""
    each, one = 1 - 0.9**5, 1 - 0.9**15
    np.testing.assert_allclose(each * longer([5, 5, 5], -1 / np.log(0.9)), one)


@given(st.lists(partials(), min_size=2, max_size=4))
def test_a_memory_changes_only_its_own_array(parts: list[Partial]) -> None:
    base = {name: np.zeros_like(array) for name, array in parts[0].state.items()}
    with_memory = [part._replace(memory={"vectors": 1e12}) for part in parts]
    mean, moved = merge(parts, base=base), merge(with_memory, base=base)
    np.testing.assert_array_equal(moved.state["bias"], mean.state["bias"])
    assert moved.memory == {"vectors": 1e12}
    np.testing.assert_array_equal(merge(with_memory).state["vectors"], mean.state["vectors"])
