import math

import pytest

from algorithms.training import Round, Share
from data.errors import HyperparameterError
from tasks import train
from tasks.train import follow, history_entry, words_per_second


def some_rounds(*losses: float) -> list[Round]:
    count = len(losses)
    return [
        Round(
            number,
            count,
            number / count,
            loss,
            words=10,
            seconds=2.0 * number,
            words_per_second=5.0,
            learning_rate=0.1,
            merging=0.0,
            shares=(Share("this process", 10, 10, loss * 10, 2.0 * number),),
            lost=(),
            team=None,
        )
        for number, loss in enumerate(losses, start=1)
    ]


def test_rounds_are_passed_on_and_reported():
    told = []
    rounds = some_rounds(0.5, 0.25)
    assert list(follow(rounds, lambda *said: told.append(said), learning_rate=0.1)) == rounds
    assert told == [(0.5, "loss 0.500, 5 words/s"), (1.0, "loss 0.250, 5 words/s")]


def test_a_caller_that_leaves_trains_no_further():
    rounds = iter(some_rounds(3.0, 2.0, 1.0))
    for each in follow(rounds, lambda *_: None, learning_rate=0.1):
        if each.number == 2:
            break
    assert len(list(rounds)) == 1


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number(loss):
    followed = follow(some_rounds(1.0, loss), lambda *_: None, learning_rate=7.0)
    next(followed)
    with pytest.raises(HyperparameterError, match=r"^learning_rate=7.0: training diverged in round 2: .*; choose"):
        next(followed)


def test_the_speed_is_the_mean_over_time_not_over_rounds():
    assert words_per_second([history_entry(each) for each in some_rounds(1.0, 1.0)]) == pytest.approx(20 / 6)


def test_all_cores_are_written_out(monkeypatch):
    monkeypatch.setattr(train, "cores", lambda: 12)
    here = train.machines(threads=0, workers=0, scheduler="")
    assert here == {"threads": 12, "workers": 0, "scheduler": ""}
    assert train.machines(threads=0, workers=2, scheduler="")["threads"] == 0
    assert train.machines(threads=3, workers=2, scheduler="")["threads"] == 3


def test_how_fast_the_network_of_a_cluster_is(monkeypatch):
    given = {"threads": 1, "workers": 0, "scheduler": "tcp://host:8786"}
    monkeypatch.delenv("EMBERTEXT_LINK", raising=False)
    assert train.machines(**given) == given
    monkeypatch.setenv("EMBERTEXT_LINK", "2.5")
    assert train.machines(**given) == {**given, "link": 2.5}
    assert "link" not in train.machines(threads=1, workers=2, scheduler=""), "on one machine it is no limit"
    for wrong in ("fast", "-1", "nan", "inf"):
        monkeypatch.setenv("EMBERTEXT_LINK", wrong)
        with pytest.raises(HyperparameterError, match=f"EMBERTEXT_LINK={wrong!r}: not Gbit/s; give a number"):
            train.machines(**given)
