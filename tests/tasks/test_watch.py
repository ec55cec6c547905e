"""Who watches a training hears its epochs and ends it; nobody else notices."""

import threading

import pytest

from tasks.progress import progress
from tasks.watch import epoch_over, still_wanted, watched, watching


class EnoughError(Exception):
    pass


def test_nobody_watches():
    assert not watching()
    epoch_over({"epoch": 1, "loss": 2.0})
    still_wanted()


def test_epochs_are_told_with_validation_under_the_plain_name_too():
    heard = []
    entry = {"epoch": 2, "total_loss": 9.0, "validation_total_loss": 7.0, "round": 4, "seconds": 0.1, "lost": None}
    with watched(epoch=lambda *told: heard.append(told), wanted=lambda: None):
        assert watching()
        epoch_over(entry)
    assert heard == [(2, {"total_loss": 7.0, "validation_total_loss": 7.0})]
    assert not watching()


def test_watchers_end_the_work():
    def enough(*_):
        raise EnoughError

    with watched(epoch=enough, wanted=lambda: None), pytest.raises(EnoughError):
        epoch_over({"epoch": 1})
    with watched(epoch=lambda *_: None, wanted=enough), pytest.raises(EnoughError), progress("train") as report:
        report(0.5, "")


def test_a_watched_stage_draws_nothing(capsys):
    with watched(epoch=lambda *_: None, wanted=lambda: None), progress("train") as report:
        report(0.5, "")
    assert capsys.readouterr().err == ""


def test_other_threads_are_not_watched():
    seen = []
    with watched(epoch=lambda *_: None, wanted=lambda: None):
        thread = threading.Thread(target=lambda: seen.append(watching()))
        thread.start()
        thread.join()
    assert seen == [False]
