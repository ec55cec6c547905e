import math

import pytest

from algorithms.training import Round, Share
from benchmarks import distributed as benchmark
from benchmarks import shared_training


def run(seconds: float, *, epochs: int = 2, rounds: int = 4, workers: int = 1, judged: tuple[float, ...] = (0.6,)):
    each = [
        {
            "epoch": math.ceil((number + 1) * epochs / rounds), "units": 100.0 * epochs / rounds, "words": 1000,
            "seconds": seconds, "merging": 0.05 * seconds * (workers > 1),
            "shares": [0.9 * seconds, *[0.8 * seconds] * (workers - 1)],
        }
        for number in range(rounds)
    ]  # fmt: skip
    return {"rounds": each, "judged": list(judged)}


def runs(one=(0.6,), two=(0.6,), seconds=1.0, name="text8"):
    """Two workers have half as many rounds, in half the time."""
    return {name: [{"1": run(1.0, judged=one), "2": run(seconds, rounds=2, workers=2, judged=two)}]}


def test_rounds_of_more_workers_may_be_longer():
    few, many = runs()["text8"][0].values()
    assert benchmark.speed(few) == 50
    assert benchmark.speed(many) == 100
    assert benchmark.times(few, many) == 2
    assert benchmark.training_alone(few, many) == pytest.approx(2 * 2 * 0.9 / 1.7)
    assert benchmark.merging(many) == pytest.approx(0.05)
    assert benchmark.waiting(many) == pytest.approx(0.05)
    assert benchmark.scheduling(many) == pytest.approx(0.05)


def test_one_may_end_sooner():
    assert benchmark.times(run(1.0, epochs=3, rounds=6), run(1.0)) == 1


def test_floors():
    assert all(floor.holds for floor in benchmark.throughput_floors(runs()))
    worse = benchmark.throughput_floors(runs(two=(0.55,), seconds=1.3))
    assert [floor.holds for floor in worse] == [False, False, True]


def test_a_loss_should_be_low():
    found = runs(one=(7.0, 6.7, 6.8), two=(6.9, 6.6), name="topics")
    floors = benchmark.throughput_floors(found)
    assert [floor.holds for floor in floors] == [True, True, True]
    assert [(floor.value, floor.least) for floor in floors][1] == (-6.6, -6.7)
    assert not benchmark.throughput_floors(runs(one=(6.7,), two=(6.9,), name="topics"))[1].holds


def test_tables(capsys):
    found = runs(two=(0.6123,))
    print(benchmark.told("text8", found["text8"][0]))
    benchmark.throughput_table(found)
    shown = capsys.readouterr().out
    for text in ("2.00x", "0.6123", "words/s", "5.0%", "1 worker", "2 workers"):
        assert text in shown


def test_what_json_tells():
    told = benchmark.short("text8", runs(two=(0.55,))["text8"][0])
    assert told["times"] == 2
    assert told["2"] | {"waiting": 0, "scheduling": 0} == {
        "units_per_second": 100, "rounds": 2, "mean_rho": 0.55, "merging": pytest.approx(0.05), "waiting": 0,
        "scheduling": 0,
    }  # fmt: skip


def test_a_round_as_figures():
    shares = (Share("a", 50, 5, 1.0, 0.25), Share("b", 40, 5, 1.0, 0.5))
    each = Round(3, 8, 0.375, 0.1, 90, 1.0, 90.0, 0.05, 0.125, shares, (), None)  # type: ignore[arg-type]
    assert shared_training.told(each, epochs=2, units=400) == {
        "epoch": 1, "units": 100, "words": 90, "seconds": 1.0, "merging": 0.125, "shares": [0.25, 0.5],
    }  # fmt: skip
    assert shared_training.told(each._replace(number=5), epochs=2, units=400)["epoch"] == 2


def test_everything_is_prepared_by_who_trains_it():
    assert set(shared_training.LOADED) == set(benchmark.TRAININGS)
    for name in benchmark.TRAININGS:
        assert {name, f"prepare {name}"} <= set(shared_training.SYSTEMS)
