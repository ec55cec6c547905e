import pytest

from algorithms.search.reading import ranges
from algorithms.search.space import Space
from data.errors import HyperparameterError

BASE = {"mode": "batch_skipgram", "window_size": 5, "epochs": 7, "subwords": False, "min_char": 3}


def space(**given):
    return Space(ranges(given), base=BASE)


def test_conditions_hold_or_do_not():
    given = space(
        min_char={"low": 1, "high": 4, "when": {"subwords": True}},
        subwords={"values": [True, False], "when": {"mode": ["skipgram", "cbow"]}},
        mode=["skipgram", "cbow", "batch_skipgram"],
    )
    point = {"min_char": 2, "subwords": True, "mode": "skipgram"}
    assert given.active(point) == point
    assert list(given.active(point)) == ["min_char", "subwords", "mode"]
    assert given.active(point | {"subwords": False}) == {"subwords": False, "mode": "skipgram"}
    assert given.active(point | {"mode": "batch_skipgram"}) == {"mode": "batch_skipgram"}


def test_a_condition_on_what_is_not_searched():
    given = {"subwords": {"values": [True, False], "when": {"mode": ["skipgram"]}}}
    assert space(**given).active({"subwords": True}) == {}
    assert Space(ranges(given), base=BASE | {"mode": "skipgram"}).active({"subwords": True}) == {"subwords": True}


def test_values_are_told_by_their_spelling():
    given = space(min_char={"low": 1, "high": 4, "when": {"subwords": "true"}}, subwords=[True, False])
    assert given.active({"min_char": 2, "subwords": True}) == {"min_char": 2, "subwords": True}


def test_what_does_not_count_is_always_the_same():
    given = space(mode=["cbow", "skipgram"], min_char={"low": 1, "high": 4, "when": {"mode": "skipgram"}})
    assert given.canonical({"mode": "cbow"}) == given.canonical({"mode": "cbow", "min_char": 3}) == {
        "mode": "cbow",
        "min_char": 1,
    }  # fmt: skip
    assert given.canonical({"mode": "skipgram", "min_char": 3}) == {"mode": "skipgram", "min_char": 3}


@pytest.mark.parametrize(
    ("point", "within"),
    [
        ({"mode": "cbow"}, True),
        ({"mode": "cbow", "min_char": 99}, True),  # does not count
        ({"mode": "skipgram", "min_char": 4}, True),
        ({"mode": "skipgram", "min_char": 5}, False),
        ({"mode": "skipgram"}, False),
        ({"mode": "batch_skipgram"}, False),
        ({}, False),
    ],
)
def test_contains(point, within):
    given = space(mode=["cbow", "skipgram"], min_char={"low": 1, "high": 4, "when": {"mode": "skipgram"}})
    assert given.contains(point) == within


def test_the_start_is_moved_into_the_ranges():
    given = space(mode=["cbow", "skipgram"], window_size={"low": 1, "high": 3}, epochs={"low": 5, "high": 9})
    assert given.start == {"mode": "cbow", "window_size": 3, "epochs": 7}
    assert Space(ranges({"window_size": {"low": 1, "high": 3}})).start == {}


def test_a_grid_has_each_point_once():
    given = space(mode=["cbow", "skipgram"], min_char={"low": 1, "high": 3, "when": {"mode": "skipgram"}})
    assert list(given.grid()) == [
        {"mode": "cbow"},
        {"mode": "skipgram", "min_char": 1},
        {"mode": "skipgram", "min_char": 2},
        {"mode": "skipgram", "min_char": 3},
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "ranges={}: nothing to search; "),
        ({f"a{n}": ["x"] for n in range(31)}, "ranges='...': 31 parameters, more than 30; "),
        (
            {"min_char": {"low": 1, "high": 2, "when": {"subword": True}}},
            "ranges.min_char.when='subword': no such parameter; did you mean subwords?; ",
        ),
        (
            {"mode": ["cbow"], "min_char": {"low": 1, "high": 2, "when": {"mode": "skipgram"}}},
            "ranges.min_char.when.mode='skipgram': mode never has it; choose from cbow",
        ),
        (
            {"a": {"values": [1], "when": {"b": 1}}, "b": {"values": [1], "when": {"a": 1}}},
            "ranges.a.when=['b']: conditions that wait for each other; leave one of them out",
        ),
    ],
)
def test_what_is_no_space(given, said):
    with pytest.raises(HyperparameterError) as refused:
        space(**given)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"rate": {"low": 0.1, "high": 0.5}},
            "ranges.rate.type='continuous': a grid cannot have a continuous range; give values, such as [0.1, 0.5], "
            "or choose another strategy",
        ),
        (
            {"a": {"low": 1, "high": 200}, "b": {"low": 1, "high": 200}},
            "strategy='grid': a grid of 40,000 points, more than 10,000; give fewer values, or choose another strategy",
        ),
    ],
)
def test_what_is_no_grid(given, said):
    with pytest.raises(HyperparameterError) as refused:
        space(**given).check_grid()
    assert str(refused.value) == said
