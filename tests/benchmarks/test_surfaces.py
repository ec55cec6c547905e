import itertools

import numpy as np
import pytest

from benchmarks import surfaces
from benchmarks.surfaces import Sweep, sweep
from benchmarks.tabulated import EPOCHS, EXACT, LOGARITHMIC, NAMES, Surface
from benchmarks.tuners import SEARCHES, SPACE

SURFACE = Surface()


class Fixed:
    """Asks for the same points, and stops those it is told to after an epoch."""

    def __init__(self, points, stops=()):
        self.points, self.stops, self.told, self.asked = points, stops, {}, 0

    def ask(self):
        self.asked += 1
        return self.asked - 1, self.points[self.asked - 1]

    def report(self, number, epoch, value):
        return (number, epoch) in self.stops

    def tell(self, number, value):
        self.told[number] = value


def point(**changes):
    return {"word_ngrams": 2, "loss": "ova", "learning_rate": 4.14, "vector_dim": 24, "min_count": 3} | changes


def test_the_table_is_whole():
    levels = [*EXACT.values(), *LOGARITHMIC.values()]
    assert SURFACE.rows == np.prod([len(each) for each in levels])
    assert all(0 < SURFACE.at(dict(zip(NAMES, each, strict=True))).seconds < 60 for each in itertools.product(*levels))


def test_points_of_the_table_and_between_them():
    best = SURFACE.at(point())
    assert best.accuracies.shape == (EPOCHS,)
    assert best.accuracies[-1] == SURFACE.best == 0.6576
    near, far = (SURFACE.at(point(min_count=each)).accuracies for each in (1, 3))
    between = SURFACE.at(point(min_count=3**0.5)).accuracies
    assert between == pytest.approx((near + far) / 2)
    with pytest.raises(ValueError, match="out of bounds"):
        SURFACE.at(point(min_count=101))


def test_every_point_of_the_space_is_on_the_surface():
    for corner in itertools.product(*((each.values[0], each.values[-1]) if hasattr(each, "values") else
                                      (each.low, each.high) for each in SPACE.ranges.values())):  # fmt: skip
        SURFACE.at(dict(zip(SPACE.ranges, corner, strict=True)))


def test_a_sweep_takes_the_time_of_its_trials():
    points = [point(), point(min_count=100), point(vector_dim=64)]
    results = [SURFACE.at(each) for each in points]
    done = sweep(tuner := Fixed(points), SURFACE, jobs=3, parallel=2)
    assert done.seconds == pytest.approx(sum(each.seconds for each in results))
    assert tuner.told == {number: each.accuracies[-1] for number, each in enumerate(results)}
    assert done.bests[-1] == SURFACE.best
    assert done.stopped == 0


def test_what_is_stopped_takes_less_and_wins_nothing():
    points = [point(), point(min_count=100)]
    done = sweep(tuner := Fixed(points, stops={(0, 3), (1, EPOCHS)}), SURFACE, jobs=2, parallel=1)
    first, second = (SURFACE.at(each) for each in points)
    assert done.seconds == pytest.approx(first.seconds * 3 / EPOCHS + second.seconds)
    assert tuner.told[0] == first.accuracies[2]
    assert done.bests == [0.0, second.accuracies[-1]]
    assert done.stopped == 1


@pytest.mark.parametrize("name", [name for name in SEARCHES if "GP" not in name])
def test_each_search_runs(name):
    if name == surfaces.SKOPT:
        pytest.importorskip("skopt")
    done = sweep(SEARCHES[name](1), SURFACE, jobs=8, parallel=2)
    assert len(done.bests) == 8
    assert 0 < done.bests[-1] <= SURFACE.best


def test_the_floors_missed(capsys):
    def of(best, seconds=4.0):
        return [Sweep([best - 0.01 * (seed % 2)], seconds, 0.1, 1) for seed in range(5)]

    runs = {
        surfaces.OURS: of(0.6),
        surfaces.RANDOM: of(0.59),
        surfaces.TPE: of(0.61),
        surfaces.GP: of(0.601),  # within its error
        surfaces.SKOPT: of(0.62),
        surfaces.STOPPING: of(0.6, seconds=2.5),
    }
    missed = [floor.name for floor in surfaces._floors(runs) if not floor.holds]
    assert missed == [
        "median of embertext, that of Optuna TPE",
        "median of embertext, that of scikit-optimize less its standard error",
        "share of machine time saved by stopping",
    ]
    surfaces._table(runs, SURFACE, surfaces.argparse.Namespace(seeds=5, jobs=1, parallel_jobs=1))
    assert "62%" in capsys.readouterr().out
