import pytest

from algorithms.search.limits import Limits, has_converged, since_best
from algorithms.search.objectives import objectives
from algorithms.search.trials import Trial
from data.errors import HyperparameterError

ACCURACY, LOSS = objectives("accuracy")[0], objectives("loss")[0]


def trials(*values):
    """Completed, or failed where None."""
    return [
        Trial(number, {}, "failed" if value is None else "completed", () if value is None else (value,))
        for number, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("limits", "values", "seconds", "why"),
    [
        ({}, [0.5] * 11, 0, ""),
        ({}, [0.5] * 12, 0, "12 jobs were trained"),
        ({"max_jobs": 0, "max_runtime": 60}, [0.5] * 100, 59, ""),
        ({"max_runtime": 60}, [], 61, "61 of 60 seconds are over"),
        ({"target": 0.9}, [0.8, 0.89], 0, ""),
        ({"target": 0.9}, [0.9], 0, "accuracy has reached 0.9"),
        ({"not_improving": 3}, [0.5, 0.6, 0.6, 0.5], 0, ""),
        ({"not_improving": 3}, [0.5, 0.6, 0.6, 0.5, None], 0, "3 trials in a row were no better than the best"),
        ({"converged": True}, [0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6], 0, ""),
        ({"converged": True}, [0.5, 0.6, *[0.603] * 8], 0, "the last half of the trials has brought less than one"),
        ({"converged": True}, [0.5, 0.6, *[0.59] * 7, 0.61], 0, ""),
        ({}, [None] * 4, 0, ""),
        ({}, [None] * 5, 0, "all of the first 5 trials failed"),
        ({}, [0.5, *[None] * 5], 0, ""),
    ],
)
def test_why_it_ends(limits, values, seconds, why):
    assert Limits(**limits).reached(trials(*values), ACCURACY, seconds=seconds).startswith(why)
    assert bool(why) == bool(Limits(**limits).reached(trials(*values), ACCURACY, seconds=seconds))


def test_less_may_be_better():
    assert Limits(target=1.0).reached(trials(0.9), LOSS, seconds=0) == "loss has reached 1"
    assert not Limits(target=1.0).reached(trials(1.1), LOSS, seconds=0)
    assert since_best(trials(3, 2, 2.5, 2), LOSS) == 2
    assert has_converged([3.0, 2, 2, 2, 2, 2, 2, 2, 2, 1.99], LOSS)


def test_trials_that_are_repeated_or_from_elsewhere_are_no_jobs():
    done = [Trial(0, {}, "interrupted"), Trial(0, {}, "completed", (1.0,), sweep="before"), *trials(1.0)]
    assert not Limits(max_jobs=2).reached(done, ACCURACY, seconds=0)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"max_jobs": 0}, "max_jobs=0: the sweep would never end; give a number of jobs, such as 12"),
        ({"not_improving": 2}, "not_improving=2: too few to judge by; choose 3 or more, or 0"),
        ({"target": 0.5}, "target=0.5: several objectives, accuracy, loss, have no single best; leave it out, "),
        ({"converged": True}, "converged=True: several objectives, accuracy, loss, have no single best; leave it out"),
    ],
)
def test_limits_that_cannot_be_judged(limits, said):
    with pytest.raises(HyperparameterError) as refused:
        Limits(**limits).check([ACCURACY, LOSS])
    assert str(refused.value).startswith(said)


def test_a_grid_ends_by_itself():
    Limits(max_jobs=0).check([ACCURACY], grid=True)
