import pytest

from data.errors import EmbertextError
from tasks.backfill.plan import MOST
from tests.tasks.backfill.targets import SCHEMA, TARGET, planned


def test_partitions_times_values():
    plan = planned(sweep={"rate": ["0.025", "0.05"], "train": ["a", "b"]}, given={"epochs": "3"})
    assert len(plan.cells) == 3 * 2 * 2
    assert plan.columns == ["rate=0.025 train=a", "rate=0.025 train=b", "rate=0.05 train=a", "rate=0.05 train=b"]
    first = plan.cells[0]
    assert first.name == "2026-01 rate=0.025 train=a"
    assert first.sent == {"partition": "2026-01", "train": "a", "model": {"epochs": 3, "rate": 0.025}}
    assert [cell.partition for cell in plan.cells[::4]] == ["2026-01", "2026-02", "2026-03"]
    assert len({cell.key for cell in plan.cells}) == 12


def test_keys_stand_for_all_that_a_run_depends_on():
    def keys(**changed):
        return [cell.key for cell in planned(**changed).cells]

    assert keys() == keys()
    assert keys(first="2026-01-15", last="2026-03-02") == keys(), "the same months"
    assert keys(last="2026-04")[:3] == keys(), "of a longer stretch too"
    assert keys(given={"rate": 0.05, "epochs": "5"}) == keys(given={"model.epochs": 5})
    for changed in (
        {"code": "other"},
        {"given": {"epochs": 6}},
        {"target": TARGET._replace(parameters={"train": "other/"})},
        {"target": TARGET._replace(name="train/other")},
    ):
        assert not {*keys()} & {*keys(**changed)}, changed
    assert planned().id == planned().id != planned(last="2026-04").id


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"first": "2026-02", "last": ""}, ["2026-02"]),
        ({"first": "2 months ago", "last": "last month"}, ["2026-05", "2026-06"]),
        (
            {"first": "2024-02-27", "last": "2024-03-01", "every": "day"},
            ["2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01"],
        ),
        ({"first": "2026-12-28", "last": "2027-01-04", "every": "week"}, ["2026-W53", "2027-W01"]),
        ({"first": "2026", "last": "2026", "every": "quarter"}, ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"]),
    ],
)
def test_the_stretch(changed, expected):
    assert [cell.partition for cell in planned(**changed).cells] == expected


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"first": "2026-04"}, "to=2026-03: ends before it begins, at 2026-04"),
        ({"first": "January"}, "is no partition"),
        ({"first": "2020", "every": "hour"}, f"more than {MOST:,} runs; take a shorter"),
        ({"sweep": {"epochs": []}}, "sweep epochs: no values"),
        ({"sweep": {"epochs": ["1", "x"]}}, "model.epochs='x': 'x' is not of type"),
        ({"given": {"rate": 1}, "sweep": {"model.rate": [2]}}, "train/nightly: model.rate is given twice"),
        ({"given": {"rates": 1}}, "has no parameter rates; did you mean rate"),
        ({"target": TARGET._replace(schema={"properties": {}})}, "has no parameter partition; name a deployment"),
    ],
)
def test_what_cannot_be_planned(changed, message):
    with pytest.raises(EmbertextError, match=message) as caught:
        planned(**changed)
    assert "\n" not in str(caught.value)


def test_values_that_are_given_twice_run_once():
    assert planned(sweep={"rate": ["0.05", "0.05"]}).columns == ["rate=0.05"]
    assert SCHEMA["properties"]["model"]["default"] == {"epochs": 5, "rate": 0.05}
