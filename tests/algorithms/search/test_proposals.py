import itertools
import math
from typing import get_args

import numpy as np
import pytest

from algorithms.search import proposals
from algorithms.search.axes import distribution, inner, outer, point_at, recorded
from algorithms.search.proposals import Known, bayesian, softened
from algorithms.search.ranges import Scaling
from algorithms.search.reading import ranges
from algorithms.search.space import Space

GIVEN = {
    "rate": {"low": 0.001, "high": 1.0},
    "count": {"low": 0, "high": 100},
    "size": {"low": 30, "high": 60},
    "momentum": {"low": 0.0, "high": 0.999, "scaling": "ReverseLogarithmic"},
    "share": {"low": 0.0, "high": 1.0},
    "mode": ["a", "b"],
    "on": {"values": [True, False], "when": {"mode": "b"}},
    "fixed": {"low": 3, "high": 3},
    "many": {"low": 1_000_000, "high": 10_000_000},
}
SPACE = Space(ranges(GIVEN))
BASE = {
    "rate": 0.05, "count": 5, "size": 100, "momentum": 0.9, "share": 0.5, "mode": "a", "on": True, "fixed": 3,
    "many": 2_000_000,
}  # fmt: skip


def seen(space, number, *, value=lambda point: point["rate"]):
    points = [proposals.at_random(space, seed=5, number=each) for each in range(number)]
    return [Known(point, (float(value(point)),)) for point in points]


@pytest.mark.parametrize("name", GIVEN)
def test_values_go_to_optuna_and_come_back(name):
    given = SPACE.ranges[name]
    for coordinate in (0.0, 0.3, 0.5, 0.99, 1.0):
        value = point_at(Space({name: given.model_copy(update={"when": {}})}), np.array([coordinate]))[name]
        assert distribution(given)._contains(distribution(given).to_internal_repr(inner(given, value)))
        assert recorded(given)._contains(recorded(given).to_internal_repr(value))
        assert outer(given, inner(given, value)) == pytest.approx(value)


@pytest.mark.parametrize(
    ("given", "came", "expected"),
    [
        ({"low": 0.05, "high": 0.2}, math.exp(math.log(0.2)), 0.2),
        ({"low": 0.05, "high": 0.2}, 0.0716666666666667, 0.0716667),
        ({"low": 1e-6, "high": 0.2}, 0.00000123456789, 0.00000123457),
        ({"low": 1 / 3, "high": 2 / 3, "scaling": "Linear"}, 0.66666666, 2 / 3),
        ({"low": 1 / 3, "high": 2 / 3, "scaling": "Linear"}, 1 / 3 + 1e-17, 1 / 3),
        ({"low": 0.1, "high": 0.1000002}, 0.10000005432109, 0.100000054321),
        ({"low": -1.0, "high": 1.0}, -0.123456789, -0.123457),
        ({"low": 0.0, "high": 1.0}, 0.0, 0.0),
        ({"low": 10.0, "high": 1e9}, 123456789.3, 123457000.0),
        ({"low": 0.9, "high": 0.9999, "scaling": "ReverseLogarithmic"}, 1 - 0.9998765432, 0.999876543),
        ({"low": 0.9, "high": 0.9999, "scaling": "ReverseLogarithmic"}, 1 - 0.9, 0.9),
        ({"low": 0.25, "high": 0.25}, 0.25000000000000006, 0.25),
    ],
)
def test_numbers_have_a_few_digits_and_stay_in_their_range(given, came, expected):
    assert repr(outer(ranges({"x": given})["x"], came)) == repr(expected)


@pytest.mark.parametrize("coordinate", [0.0, 1.0])
def test_the_ends_of_a_range_are_those_that_were_given(coordinate):
    for low, high, scaling in itertools.product((0.005, 0.1, 0.3), (0.7, 0.9, 0.999), get_args(Scaling)):
        space = Space(ranges({"x": {"low": low, "high": high, "scaling": scaling}}))
        assert point_at(space, np.array([coordinate]))["x"] == (high if coordinate else low)


def test_coordinates_follow_the_scale():
    at = {name: point_at(SPACE, np.full(9, 0.5))[name] for name in ("rate", "count", "size", "momentum", "share")}
    assert at["rate"] == pytest.approx(math.sqrt(0.001))
    assert at["count"] == 6  # the middle of 1 to 101 by its logarithm, less the one that was added
    assert at["size"] == 45
    assert at["momentum"] == pytest.approx(1 - math.sqrt(0.001))
    assert at["share"] == 0.5


def test_every_whole_number_is_drawn_alike():
    space = Space(ranges({"n": {"low": 1, "high": 4}}))
    drawn = [point_at(space, np.array([each]))["n"] for each in np.linspace(0, 1, 4001)]
    assert np.bincount(drawn)[1:] == pytest.approx([1000] * 4, abs=1)


def test_the_first_point_is_that_of_no_sweep():
    space = Space(ranges(GIVEN), base=BASE)
    first = bayesian(space, [], [], seed=1, number=0)
    assert first == space.start
    assert first["size"] == 60
    assert bayesian(space, [], [first], seed=1, number=1) != first


def test_other_points_to_begin_with():
    first = seen(SPACE, 2)
    asked = bayesian(SPACE, first[:1], [], first=[each.parameters for each in first], seed=1, number=1)
    assert asked == first[1].parameters


def test_points_to_start_from_fill_the_space():
    points = [proposals.spread_out(SPACE, seed=1, number=each) for each in range(8)]
    assert sum(point["mode"] == "a" for point in points) == 4
    assert sum(point["rate"] < math.sqrt(0.001) for point in points) == 4


def test_the_same_history_gives_the_same_answer_and_one_that_runs_another():
    space = Space({name: SPACE.ranges[name] for name in ("rate", "mode", "on", "fixed")})
    known = seen(space, 7)
    asked = bayesian(space, known, [], seed=1, number=7)
    assert asked == bayesian(space, known, [], seed=1, number=7)
    assert asked != bayesian(space, known, [asked], seed=1, number=7)
    assert space.contains(asked)


def test_it_goes_where_values_are_high():
    space = Space(ranges({"x": {"low": 0.0, "high": 1.0}, "y": {"low": 0.0, "high": 1.0}}))
    known = seen(space, 12, value=lambda point: -((point["x"] - 0.7) ** 2))
    asked = bayesian(space, known, [], seed=1, number=12)
    assert abs(asked["x"] - 0.7) < 0.1


def test_a_failure_is_a_bad_place():
    space = Space(ranges({"x": {"low": 0.0, "high": 1.0}}))
    known = [Known({"x": each}, (each,)) for each in (0.0, 0.2, 0.4, 0.6, 0.8)] + [Known({"x": 1.0}, None)]
    # without the failure it would go on to where that is
    assert bayesian(space, [*known[:-1], Known({"x": 0.9}, (0.9,))], [], seed=1, number=6)["x"] == 1
    assert bayesian(space, known, [], seed=1, number=6)["x"] < 0.97


def test_several_objectives():
    space = Space(ranges({"x": {"low": 0.0, "high": 1.0}, "y": [1, 2]}))
    known = [Known({"x": each, "y": 1}, (each, -each)) for each in (0.0, 0.2, 0.4, 0.5, 0.6, 0.8)]
    assert space.contains(bayesian(space, known, [known[0].parameters], seed=1, number=7))


def test_nothing_but_failures():
    known = [Known(each.parameters, None) for each in seen(SPACE, 9)]
    assert SPACE.contains(bayesian(SPACE, known, [], seed=1, number=9))


def test_one_that_was_tried_is_not_proposed_again():
    points = [{"n": each} for each in (1, 2, 3)]
    space = Space(ranges({"n": {"low": 1, "high": 3}}))
    assert proposals.new(space, {"n": 1}, points[:2], left=points[2:], seed=1, number=2) == {"n": 3}
    assert proposals.new(space, {"n": 1}, points[:2], left=[], seed=1, number=2) == {"n": 3}
    assert proposals.new(space, {"n": 1}, points, left=[], seed=1, number=2) == {"n": 1}


def test_values_that_learnt_nothing_are_drawn_closer():
    values = np.array([0.05, 0.05, 0.6, 0.61, 0.62])
    soft = softened(values)
    assert soft[2:] == pytest.approx(values[2:])
    assert (np.diff(soft) >= 0).all()
    assert 0.4 < soft[0] < 0.6
    assert softened(np.array([1.0, 1.0, 1.0])) == pytest.approx([1, 1, 1])


def test_importances():
    found = proposals.importances(SPACE, seen(SPACE, 20, value=lambda point: math.log(point["rate"])), seed=1)
    assert max(found, key=found.__getitem__) == "rate"
    assert sum(found.values()) == pytest.approx(1)
    assert proposals.importances(SPACE, seen(SPACE, 3), seed=1) == {}
    assert proposals.importances(SPACE, seen(SPACE, 9, value=lambda point: 1.0), seed=1) == {}
