import numpy as np
import pytest

from benchmarks import round_costs, scaled, scaling, scaling_checks, scaling_picture
from benchmarks.scaling import Burden, Costs, Forecast, Link
from benchmarks.scaling_checks import Check, Measured

COSTS = Costs(
    start=0.0, speed=1e6, spread=(1.0,), arithmetic=0.0, handling=1e-10, step=0.0, wave=0.0, task=0.0
)  # fmt: skip
GIGABIT = Link(1e9, 0.0)
BURDEN = Burden(words=8e6, journeys=3, size=100e6)


def found(costs: Costs = COSTS) -> scaled.Found:
    burdens = {1: Burden(8e6, 3, 100e6), 10: Burden(8e5, 2, 50e6)}
    said = Forecast(1.0, 0.0, 0.5, 0.1)
    checks = [Check("here", 2, 8e5, 1.0, 0.4, said), Check("100 Mbit/s, 1 ms", 2, 8e5, 1.0, 0.55, said)]
    words = {workers: {"text8": min(8e6, 1e6 * workers), "large": 1e6 * workers} for workers in scaled.WORKERS}
    return scaled.Found(Measured(costs, burdens), words, checks, "")


def test_one_worker_merges_nothing():
    said = scaling.forecast(BURDEN, 1, GIGABIT, COSTS)
    assert said == Forecast(computing=8.0, waiting=0.0, merging=0.0, scheduling=0.0)


@pytest.mark.parametrize(("workers", "passes"), [(2, 1.0), (4, 1.5), (32, 1.9375)])
def test_a_ring_moves_twice_the_bytes_but_for_what_each_has(workers, passes):
    said = scaling.forecast(BURDEN, workers, GIGABIT, COSTS)
    assert said.merging == pytest.approx(passes * 100e6 * 8 / (1e9 * scaling.PAYLOAD))
    assert said.computing == pytest.approx(8 / workers)


def test_who_handles_bytes_may_be_slower_than_the_link():
    costs = COSTS._replace(handling=1e-8)
    wide = Link(1e12, 0.0)
    assert scaling.merging(BURDEN, 2, wide, costs) == pytest.approx(1.0)
    assert scaling.merging(BURDEN, 2, wide, costs, crowd=2) == pytest.approx(2.0)


def test_steps_wait_for_the_link():
    slow = Link(float("inf"), 0.01)
    costs = COSTS._replace(handling=0.0, step=0.001, arithmetic=1e-9)
    assert scaling.merging(BURDEN, 4, slow, costs) == pytest.approx(6 * 3 * 0.011 + 0.1)


def test_scheduling_is_a_wave_to_train_and_one_to_merge():
    costs = COSTS._replace(wave=0.01, task=0.001)
    said = scaling.forecast(BURDEN, 8, Link(float("inf"), 0.002), costs._replace(handling=0))
    assert said.scheduling == pytest.approx(0.018 + 0.004)
    assert said.merging == pytest.approx(0.022 + 14 * 3 * 0.002)


def test_workers_of_one_machine_share_its_cores():
    said = scaling.forecast(BURDEN, 4, GIGABIT, COSTS._replace(start=0.5), cores=2)
    assert said.computing == pytest.approx((0.5 + 2) * 2)
    assert scaling.forecast(BURDEN, 2, GIGABIT, COSTS, cores=2).computing == pytest.approx(4)


def test_the_slowest_of_several():
    assert scaling.slowest((1.0, 1.0), 32) == 1
    assert scaling.slowest((1.0, 3.0), 1) == 1
    assert scaling.slowest((1.0, 3.0), 2) == pytest.approx((0.25 * 1 + 0.75 * 3) / 2)
    rng = np.random.default_rng(1)
    sample = tuple(rng.normal(1, 0.1, 500).tolist())
    drawn = rng.choice(sample, (20_000, 8)).max(axis=1).mean() / np.mean(sample)
    assert scaling.slowest(sample, 8) == pytest.approx(drawn, rel=0.005)


def test_rounds_between_those_that_were_measured():
    known = [Burden(100, 3, 20), Burden(10, 1, 10)]
    assert scaling.between(55, known) == Burden(55, 2, 15)
    assert scaling.between(1e9, known) == Burden(1e9, 3, 20)
    assert scaling.between(1, known) == Burden(1, 1, 10)


@pytest.mark.parametrize("workers", [2, 8, 32])
def test_merging_seldom_enough_takes_a_tenth(workers):
    of = found()
    words = scaled.rare(of, GIGABIT, workers)
    said = scaled.expected(of, GIGABIT, words, workers)
    assert said.round.merging_share == pytest.approx(0.1, abs=0.001)
    assert said.efficiency == pytest.approx(0.9, abs=0.001)
    assert said.words_per_second == pytest.approx(0.9e6 * workers, rel=0.001)
    assert scaled.rare(of, Link(1e10, 0.0), workers) < words


def test_a_line_through_seconds():
    assert round_costs.fitted({1: 3.0, 2: 5.0, 4: 9.0}) == pytest.approx((1.0, 2.0))
    assert round_costs.fitted({1: 1.0, 2: 3.0}) == pytest.approx((0.0, 2.0))  # nothing takes less than no time


def test_checks_leave_out_the_first_round():
    rounds = [{"words": 10.0, "seconds": second, "merging": second / 2} for second in (9.0, 1.0, 2.0, 3.0)]
    check = scaling_checks._check("here", 2, rounds, GIGABIT, found().measured)
    assert (check.words, check.seconds, check.merging) == (10, 2, 1)
    assert check.forecast.merging > 0


def test_the_model_is_as_good_as_its_worst_check():
    of = {floor.name: floor for floor in scaled.floors(found().checks)}
    assert [floor.value for floor in of.values()] == pytest.approx([0.8, 0.5 / 0.55])
    assert all(floor.holds for floor in of.values())
    assert scaled.floors([]) == []


def test_tables_and_the_picture(capsys, tmp_path):
    scaled.tables(found()._replace(missing="only root may"))
    shown = capsys.readouterr().out
    for text in ("1,000,000", "100 Mbit/s, 1 ms", "1.25", "0.91", "10 Gbit/s: text8", "only root may"):
        assert text in shown
    curves = scaled.curves(found())
    assert [curve.efficiencies[0] for curve in curves] == [1, 1, 1, 1]
    short, large, *_ = curves
    assert all(one <= other + 1e-9 for one, other in zip(short.efficiencies, large.efficiencies, strict=True))
    scaling_picture.draw(curves, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    told = scaled.figures(found())
    assert told["efficiency"]["1 Gbit/s, text8"][2] < told["efficiency"]["10 Gbit/s, text8"][2] < 1
