"""What becomes of one trial: metrics, a reason, or an end before its time."""

from types import SimpleNamespace

import pytest

from data.errors import CorpusError
from tasks.train import Machines
from tasks.tune.trial import Ended, Unwanted, Work, plainly, shown
from tests.sweeps import Form, Stages

MACHINES = Machines(threads=1, workers=0, scheduler="")
METRICS = {"accuracy": 0.9, "topics": [["a"]], "set": {"rho": 0.5, "name": "x"}, "pool": 7}


def go_on(epoch, metrics):
    return False


def test_all_numbers_are_metrics(tmp_path):
    outcome = Work(Stages(tmp_path, lambda form: METRICS), MACHINES)(Form(), go_on)
    assert outcome.metrics == {
        "loss": 1.0, "words_per_second": 9.0, "seconds": 3.0, "bytes": 5.0, "accuracy": 0.9, "set.rho": 0.5, "pool": 7,
    }  # fmt: skip
    assert outcome.seconds == 3.0


def test_a_trial_that_crashes_has_a_reason(tmp_path):
    def broken(form):
        raise MemoryError("too\nlarge")

    def refused(form):
        raise CorpusError("empty", where="a.txt", remedy="give more")

    outcome = Work(Stages(tmp_path, broken), MACHINES)(Form(), go_on)
    assert (outcome.metrics, outcome.reason) == (None, "MemoryError: too large")
    assert Work(Stages(tmp_path, refused), MACHINES)(Form(), go_on).reason == "a.txt: empty; give more"


def test_a_losing_trial_ends_with_what_it_had_reached(tmp_path):
    told = []

    def judge(epoch, metrics):
        told.append((epoch, metrics["accuracy"]))
        return epoch == 2

    outcome = Work(Stages(tmp_path, lambda form: {"accuracy": 0.9}), MACHINES)(Form(), judge)
    assert told == [(1, pytest.approx(0.3)), (2, pytest.approx(0.6))]
    assert outcome.metrics["accuracy"] == pytest.approx(0.6)
    assert outcome.metrics["seconds"] == outcome.seconds < 1


def test_a_trial_that_nobody_wants_any_more(tmp_path):
    ended = Ended()
    ended.check()
    ended.now()
    with pytest.raises(Unwanted):
        ended.check()


def test_the_network_gets_another_chance(monkeypatch):
    slept, answers = [], [ConnectionError("gone"), "there"]
    monkeypatch.setattr("tasks.tune.trial.time.sleep", slept.append)

    def work():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert plainly(SimpleNamespace(fn=work)) == "there"
    assert slept == [2]
    answers += [ValueError("wrong")]
    with pytest.raises(ValueError, match="wrong"):
        plainly(SimpleNamespace(fn=work))
    assert slept == [2]


@pytest.mark.parametrize(("value", "expected"), [(0.012345678, "0.01235"), (5, "5"), (True, "True"), ("adam", "adam")])
def test_values_as_a_person_reads_them(value, expected):
    assert shown(value) == expected
