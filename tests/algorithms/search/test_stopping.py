import pytest

from algorithms.search.objectives import objectives
from algorithms.search.stopping import loses, running_average

ACCURACY, LOSS = objectives("accuracy")[0], objectives("loss")[0]


def rounds(*values):
    return dict(enumerate(values, start=1))


@pytest.mark.parametrize(
    ("own", "others", "loses_it"),
    [
        (rounds(0.1), [rounds(0.2), rounds(0.3), rounds(0.05)], True),
        (rounds(0.25), [rounds(0.2), rounds(0.25), rounds(0.3)], False),  # the median itself
        (rounds(0.1), [rounds(0.2), rounds(0.3)], False),  # too few to judge by
        (rounds(0.1, 0.1), [rounds(0.2), rounds(0.3), rounds(0.4)], False),  # none has come so far
        (rounds(0.2, 0.45), [rounds(0.2, 0.6), rounds(0.3, 0.7), rounds(0.4, 0.5)], False),  # averages 0.4, 0.5, 0.45
        (rounds(0.2, 0.44), [rounds(0.2, 0.6), rounds(0.3, 0.7), rounds(0.4, 0.5)], True),
        (rounds(), [rounds(0.2), rounds(0.3)], False),
    ],
)
def test_the_median_rule(own, others, loses_it):
    assert loses(own, others, ACCURACY) == loses_it


def test_less_may_be_better():
    assert loses(rounds(3.0), [rounds(1.0), rounds(2.0), rounds(2.5)], LOSS)
    assert not loses(rounds(1.2), [rounds(1.0), rounds(2.0), rounds(2.5)], LOSS)


def test_running_average():
    assert running_average(rounds(1, 2, 9), 2) == 1.5
