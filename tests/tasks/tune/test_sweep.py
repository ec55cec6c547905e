"""The loop of a sweep, on trials that train nothing: side by side, failing, stopped, gone on with."""

import os
import signal
import threading
import time

import pytest
from prefect import flow

from data.errors import EmbertextError, HyperparameterError
from tasks.tune.settings import Tuning
from tasks.tune.sweep import check, search
from tasks.watch import still_wanted
from tests.sweeps import Stages, sweep

pytestmark = pytest.mark.usefixtures("prefect_api", "cache")


def run(whole, stages):
    @flow(name="sweep")
    def sweeping():
        return search(whole, stages, threads=1, workers=0, scheduler="")

    return sweeping()


def score(form):
    return {"accuracy": 1 - abs(form.rate - 0.2)}


def test_trials_are_told_and_ranked(tmp_path):
    found = run(sweep(Tuning(max_jobs=5)), stages := Stages(tmp_path, score))
    assert len(stages.seen) == len(found.trials) == 5
    assert found.ended == "5 jobs were trained"
    assert found.best == found.ranked[0] == max(found.trials, key=lambda each: each.values)
    assert found.form.rate == found.best.parameters["rate"]
    assert all(each.metrics["bytes"] == 5 and each.seconds == 3 for each in found.trials)


def test_a_sweep_is_gone_on_with(tmp_path):
    first = run(sweep(Tuning(max_jobs=3)), Stages(tmp_path, score))
    again = run(sweep(Tuning(max_jobs=5, max_parallel_jobs=2)), more := Stages(tmp_path, score))
    assert len(more.seen) == 2
    assert again.trials[:3] == first.trials
    assert again.before == 3
    done = run(sweep(Tuning(max_jobs=5)), none := Stages(tmp_path, score))
    assert (none.seen, done.best) == ([], again.best)
    fresh = run(sweep(Tuning(max_jobs=2, resume=False)), Stages(tmp_path, score))
    assert (fresh.before, len(fresh.trials)) == (0, 2)


@pytest.mark.parametrize("change", [{"seed": 2}, {"data": {"train": "sha256:2"}}, {"given": {"rate": [0.1, 0.2]}}])
def test_another_sweep_is_another(change):
    assert sweep(**change).key != sweep().key
    assert sweep(Tuning(max_jobs=99, rate=1.0, max_parallel_jobs=3)).key == sweep().key
    assert sweep(Tuning(strategy="random")).key != sweep().key


def test_trials_run_side_by_side(tmp_path):
    both = threading.Barrier(2, timeout=60)

    def meet(form):
        both.wait()
        return score(form)

    assert len(run(sweep(Tuning(max_jobs=4, max_parallel_jobs=2)), Stages(tmp_path, meet)).trials) == 4


@pytest.mark.parametrize("parallel", [1, 2])
def test_a_trial_that_crashes_is_one_failed_trial(tmp_path, parallel):
    calls = []

    def sometimes(form):
        calls.append(form)
        if len(calls) == 2:
            raise RuntimeError("out of luck")
        return score(form)

    found = run(sweep(Tuning(max_jobs=4, max_parallel_jobs=parallel)), Stages(tmp_path, sometimes))
    assert sorted(each.status for each in found.trials) == ["completed"] * 3 + ["failed"]
    assert [each.reason for each in found.trials if each.reason] == ["RuntimeError: out of luck"]


def test_a_value_that_is_no_number_is_a_failed_trial(tmp_path):
    calls = []

    def once(form):
        calls.append(form)
        return {"accuracy": float("nan")} if len(calls) == 1 else score(form)

    found = run(sweep(Tuning(max_jobs=2)), Stages(tmp_path, once))
    assert [(each.status, each.reason) for each in found.trials] == [("failed", "accuracy is nan"), ("completed", "")]


def test_every_trial_failed(tmp_path):
    def broken(form):
        raise RuntimeError("never")

    with pytest.raises(EmbertextError, match="every trial failed, 3 of them; this one: RuntimeError: never"):
        run(sweep(Tuning(max_jobs=3)), Stages(tmp_path, broken))


@pytest.mark.parametrize("parallel", [1, 2])
def test_an_objective_that_no_trial_reports(tmp_path, parallel):
    stages = Stages(tmp_path, score)
    with pytest.raises(HyperparameterError, match="objective='npmi': no trial reports it; choose from accuracy, bytes"):
        run(sweep(Tuning(objective="npmi", max_jobs=9, max_parallel_jobs=parallel)), stages)
    assert len(stages.seen) <= parallel + 1


def test_losing_trials_are_stopped(tmp_path):
    values = iter([0.9, 0.8, 0.85, 0.1, 0.95])
    tuning = Tuning(max_jobs=5, early_stopping_type="median", strategy="random")
    found = run(sweep(tuning), Stages(tmp_path, lambda form: {"accuracy": next(values)}))
    assert [each.status for each in found.trials] == ["completed"] * 3 + ["stopped", "completed"]
    assert found.trials[3].values == (pytest.approx(0.1 / 3),)
    assert found.best.values == (0.95,)


def test_an_objective_known_at_the_end_stops_no_trial_and_that_is_said(tmp_path, capsys):
    tuning = Tuning(max_jobs=2, early_stopping_type="median", strategy="random", objective="npmi")
    found = run(sweep(tuning), Stages(tmp_path, lambda form: {"npmi": form.rate}))
    said = "early_stopping_type=median stops no trial: npmi is known at its end, accuracy or loss after each epoch"
    assert found.idle == said
    assert capsys.readouterr().err.splitlines().count(said) == 1
    with pytest.raises(HyperparameterError, match=r"strategy='hyperband': .*; choose accuracy or loss as"):
        check(sweep(Tuning(strategy="hyperband", objective="npmi")))
    check(sweep(Tuning(strategy="hyperband")))


def test_a_grid_has_every_point_once(tmp_path):
    given = {"rate": [0.1, 0.2], "kind": ["a", "b"], "depth": {"low": 1, "high": 2, "when": {"kind": "b"}}}
    found = run(sweep(Tuning(strategy="grid"), given=given), stages := Stages(tmp_path, score))
    assert len({str(form) for form in stages.seen}) == len(found.trials) == 6
    assert "every point" in found.ended


def test_several_objectives_have_a_front(tmp_path):
    def result(form):
        return {"accuracy": form.rate, "cost": form.rate**2}

    found = run(sweep(Tuning(objective="accuracy, cost", max_jobs=4)), Stages(tmp_path, result))
    assert len(found.front) == 4
    assert found.best.values[0] == max(each.values[0] for each in found.trials)


def test_an_interrupted_trial_is_trained_again(tmp_path):
    calls = []

    def interrupted(form):
        calls.append(form)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return score(form)

    with pytest.raises(KeyboardInterrupt):
        run(sweep(Tuning(max_jobs=3)), Stages(tmp_path, interrupted))
    found = run(sweep(Tuning(max_jobs=3)), again := Stages(tmp_path, score))
    assert again.seen[0] == calls[1]
    assert [each.status for each in found.trials].count("completed") == 3
    assert len(again.seen) == 2


def test_ctrl_c_ends_trials_that_run_side_by_side(tmp_path):
    both = threading.Barrier(2, action=lambda: os.kill(os.getpid(), signal.SIGINT), timeout=60)

    def endless(form):
        both.wait()
        while True:
            still_wanted()
            time.sleep(0.01)

    with pytest.raises(KeyboardInterrupt):
        run(sweep(Tuning(max_jobs=4, max_parallel_jobs=2)), stages := Stages(tmp_path, endless))
    assert len(stages.seen) == 2
    found = run(sweep(Tuning(max_jobs=2)), again := Stages(tmp_path, score))
    assert {str(form) for form in again.seen} == {str(form) for form in stages.seen}
    assert len(found.ranked) == 2


def test_what_could_not_be_searched_is_refused_before_anything_is_fetched():
    check(sweep())
    for tuning in (Tuning(strategy="grid"), Tuning(max_jobs=0), Tuning(not_improving=1), Tuning(objective="x")):
        with pytest.raises(HyperparameterError):
            check(sweep(tuning))
    with pytest.raises(EmbertextError, match="warm_start"):
        check(sweep(Tuning(warm_start="nowhere")))


def test_whether_a_parameter_is_searched():
    assert sweep().searches("epochs", "rate")
    assert not sweep().searches("epochs")
