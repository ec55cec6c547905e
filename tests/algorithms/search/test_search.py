import math
import subprocess
import sys
from pathlib import Path

import pytest

from algorithms.search.earlier import Earlier
from algorithms.search.reading import ranges
from algorithms.search.record import recorded, shown
from algorithms.search.search import Search
from algorithms.search.space import Space
from algorithms.search.trials import Trial
from data.errors import EmbertextError, HyperparameterError

SPACE = Space(ranges({"x": {"low": 0.0, "high": 1.0}, "mode": ["a", "b"]}))
GRID = Space(ranges({"n": {"low": 1, "high": 3}, "mode": ["a", "b"]}))


def search(space=SPACE, **settings):
    return Search(space, **({"objective": "accuracy", "strategy": "random"} | settings))


def value(parameters):
    return 1 - (parameters["x"] - 0.6) ** 2 - 0.5 * (parameters["mode"] == "a")


def go(sweep, jobs):
    for _ in range(jobs):
        trial = sweep.ask()
        sweep.tell(trial.number, {"accuracy": value(trial.parameters), "seconds": 2.0}, seconds=2.0)


@pytest.fixture(params=["", "sweep.journal", "sqlite:///sweep.db"])
def storage(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return request.param


def test_ask_and_tell(storage):
    with search(storage=storage) as sweep:
        first, second = sweep.ask(), sweep.ask()
        assert (first.number, second.number) == (0, 1)
        assert first.parameters != second.parameters
        told = sweep.tell(1, {"accuracy": 0.5, "seconds": 3}, seconds=3.0)
        sweep.tell(0, None, reason="out of memory")
        assert told == sweep.own[1] == sweep.best
        assert told.metrics == {"accuracy": 0.5, "seconds": 3}
        assert [each.status for each in sweep.trials] == ["failed", "completed"]
        assert sweep.own[0].reason == "out of memory"
        assert sweep.ranked == [told]


def test_a_sweep_that_was_killed_goes_on(storage):
    if not storage:
        pytest.skip("memory is lost with its process")
    with search(storage=storage) as sweep:
        go(sweep, 3)
        ran = sweep.ask()
        before = sweep.own
    with search(storage=storage) as sweep:
        assert sweep.own[:3] == before[:3]
        assert sweep.own[3].status == "interrupted"
        again = sweep.ask()
        assert (again.number, again.parameters) == (4, ran.parameters)
    with search(storage=storage) as sweep:
        # twice is enough: it may be what kills the process
        assert sweep.own[4].status == "failed"
        assert sweep.own[4].reason == "its process died 2 times"
        assert sweep.ask().parameters != ran.parameters


def test_one_that_was_to_be_asked_again_is_not_forgotten(tmp_path):
    where = str(tmp_path / "sweep")
    with search(storage=where) as sweep:
        ran = sweep.ask()
    with search(storage=where):
        pass
    with search(storage=where) as sweep:
        assert sweep.ask().parameters == ran.parameters


def test_a_journal_outlives_a_process_that_is_killed(tmp_path):
    code = f"""
import os, signal, sys
from algorithms.search.reading import ranges
from algorithms.search.search import Search
from algorithms.search.space import Space
space = Space(ranges({{"x": {{"low": 0.0, "high": 1.0}}, "mode": ["a", "b"]}}))
sweep = Search(space, objective="accuracy", strategy="random", storage={str(tmp_path / "sweep")!r})
sweep.tell(sweep.ask().number, {{"accuracy": 0.5}})
sweep.ask()
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=False)
    with (tmp_path / "sweep").open("ab") as file:
        file.write(b'{"op_code": 5, "worker')  # half a line
    with search(storage=str(tmp_path / "sweep")) as sweep:
        assert [each.status for each in sweep.own] == ["completed", "interrupted"]


def test_several_sweeps_in_one_place(storage):
    with search(storage=storage, name="one") as one:
        go(one, 2)
    with search(storage=storage, name="two") as two:
        assert two.own == []


def test_other_settings_are_another_sweep(tmp_path):
    where = str(tmp_path / "sweep")
    search(storage=where).close()
    with pytest.raises(
        EmbertextError, match=r"storage='.*': the sweep 'sweep' there has other objectives; give the same"
    ):
        search(storage=where, objective="loss")
    with pytest.raises(EmbertextError, match="the sweep 'sweep' there has other ranges; "):
        search(GRID, storage=where)
    search(storage=where, strategy="bayesian", seed=5).close()


def test_one_process_at_a_time(tmp_path):
    where = str(tmp_path / "sweep")
    with (
        search(storage=where),
        pytest.raises(EmbertextError, match="another process runs this sweep; wait for its end"),
    ):
        search(storage=where)
    search(storage=where).close()


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("mysqll://a:secret@b/c", r"storage='mysqll://a:\*\*\*@b/c': cannot be opened: "),
        ("mysql+pymysql://a:secret@b/c", r"c': its driver is not installed: No module named 'pymysql'; install it, "),
        ("s3://bucket/sweep", "storage='s3://bucket/sweep': cannot be opened: "),
        ("/proc/sweep", "storage='/proc/sweep': cannot be written: "),
    ],
)
def test_no_place_for_a_sweep(where, said):
    with pytest.raises(EmbertextError, match=said) as refused:
        search(storage=where)
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b"learning_rate: 5\n" * 3, b"[1]\n{}\n", b"\xff\xfe\n\n"])
def test_a_file_that_is_no_journal(tmp_path, content):
    (tmp_path / "notes").write_bytes(content)
    with pytest.raises(EmbertextError, match="notes': not the journal of a sweep; choose another path"):
        search(storage=str(tmp_path / "notes"))
    assert (tmp_path / "notes").read_bytes() == content


def test_a_password_is_not_shown():
    assert shown("postgresql://me:secret@host/db") == "postgresql://me:***@host/db"
    assert shown("sqlite:///a.db") == "sqlite:///a.db"


def test_a_grid_has_an_end():
    with search(GRID, strategy="grid") as sweep:
        asked = []
        while trial := sweep.ask():
            asked.append(tuple(trial.parameters.values()))
    assert asked == [(1, "a"), (1, "b"), (2, "a"), (2, "b"), (3, "a"), (3, "b")]


@pytest.mark.parametrize("strategy", ["random", "bayesian"])
def test_a_small_space_is_searched_without_repeating(strategy):
    with search(GRID, strategy=strategy) as sweep:
        asked = []
        while trial := sweep.ask():
            asked.append(tuple(trial.parameters.values()))
            sweep.tell(trial.number, {"accuracy": 0.1 * trial.parameters["n"]})
    assert len(set(asked)) == len(asked) == 6


def test_bayesian_finds_more_than_chance():
    found = []
    for strategy in ("bayesian", "random"):
        with search(strategy=strategy) as sweep:
            go(sweep, 14)
            found.append(sweep.best.values[0])
    assert found[0] > 0.999
    assert found[0] > found[1]


def test_losing_trials_are_stopped():
    with search(early_stopping="median") as sweep:
        good, better, best, bad = (sweep.ask() for _ in range(4))
        for step in (1, 2):
            assert not sweep.report(good.number, step, {"accuracy": 0.5})
            assert not sweep.report(better.number, step, {"accuracy": 0.6})
            assert not sweep.report(best.number, step, {"accuracy": 0.7})
        assert not sweep.report(bad.number, 1, {"loss": 3.0})  # it does not say
        assert sweep.report(bad.number, 1, {"accuracy": 0.2})
        stopped = sweep.tell(bad.number, {"accuracy": 0.2}, seconds=1)
        assert (stopped.status, stopped.values, stopped.rounds) == ("stopped", (0.2,), {1: 0.2})
        assert stopped.reason == "it lost by the median rule"


def test_hyperband_stops_most_at_its_rungs():
    with search(strategy="hyperband", rounds=9, seed=3) as sweep:
        for _ in range(30):
            trial = sweep.ask()
            step = 1
            while not sweep.report(trial.number, step, {"accuracy": trial.parameters["x"]}) and step < 9:
                step += 1
            sweep.tell(trial.number, {"accuracy": trial.parameters["x"]})
        statuses = [each.status for each in sweep.own]
    assert 5 < statuses.count("stopped") < 30
    assert sweep.best.status == "completed"


def test_a_rule_that_can_stop_nothing_says_so():
    with search(early_stopping="median", by_rounds=("loss", "total_loss")) as sweep:
        assert sweep.idle == (
            "early_stopping_type=median stops no trial: accuracy is known at its end, loss or total_loss after each "
            "epoch"
        )
    for settings in ({"by_rounds": ("accuracy",)}, {"by_rounds": None}, {"by_rounds": (), "early_stopping": "off"}):
        with search(**({"early_stopping": "median"} | settings)) as sweep:
            assert sweep.idle == ""


def test_several_objectives():
    with search(objective=["accuracy", "seconds"], strategy="bayesian") as sweep:
        for accuracy, seconds in [(0.9, 9), (0.8, 3), (0.7, 5), *[(0.5, 8)] * 4]:
            sweep.tell(sweep.ask().number, {"accuracy": accuracy, "seconds": seconds})
        assert not sweep.report(sweep.ask().number, 1, {"accuracy": 0.1, "seconds": 3})
        assert [each.values for each in sweep.front] == [(0.9, 9), (0.8, 3)]
        assert sweep.best.values == (0.9, 9)


def sweep_before(tmp_path, jobs=8):
    with search(storage=str(tmp_path / "before")) as sweep:
        go(sweep, jobs)
        sweep.tell(sweep.ask().number, None, reason="no luck")
        return sweep.best


def test_earlier_trials_on_the_same_data_count(tmp_path):
    best = sweep_before(tmp_path)
    before = Earlier.read(str(tmp_path / "before"), kind="identical")
    with search(strategy="bayesian", warm_start=[before]) as sweep:
        assert sweep.best.parameters == best.parameters
        assert sweep.best.sweep == str(tmp_path / "before")
        assert len(sweep.trials) == 8
        assert sweep.own == []
        # enough is known to go on at once, and not where it has been
        assert sweep.ask().parameters not in [each.parameters for each in sweep.trials[:8]]


def test_earlier_trials_on_other_data_say_where_to_look_first(tmp_path):
    best = sweep_before(tmp_path)
    before = Earlier.read(str(tmp_path / "before"), kind="transfer")
    with search(strategy="bayesian", warm_start=[before]) as sweep:
        assert sweep.ask().parameters == best.parameters
        assert len(sweep.trials) == 1
    narrow = Space(ranges({"x": {"low": 2.0, "high": 3.0}}), base={"mode": "a"})
    with search(narrow, strategy="bayesian", warm_start=[before]) as sweep:
        assert 2 <= sweep.ask().parameters["x"] <= 3


def test_what_was_not_searched_must_be_the_same(tmp_path):
    sweep_before(tmp_path)
    before = Earlier.read(str(tmp_path / "before"), kind="identical")
    fixed = Space(ranges({"x": {"low": 0.0, "high": 1.0}}), base={"mode": "a"})
    with search(fixed, strategy="bayesian", warm_start=[before]) as sweep:
        known = before.known(fixed, sweep.objectives)
    assert len(known) == sum("mode" not in each.parameters for each in before.counted(fixed)) > 0


def test_earlier_trials_tell_all_that_makes_them_different():
    done = Trial(0, {"x": 0.5, "mode": "b"}, "completed", values=(0.9,))
    before = Earlier("before", "identical", (done,), {"n": 3, "same": 1, "size": 8}, ("maximize accuracy",))
    base = {"mode": "a", "same": 1, "size": 16, "x": 0.1, "n": 1, "k": 2}
    ours = {
        "x": {"low": 0.0, "high": 1.0},
        "n": {"low": 1, "high": 9},
        "k": {"low": 1, "high": 3, "when": {"mode": "a"}},
    }
    with search(Space(ranges(ours), base=base), warm_start=[before]) as sweep:
        assert sweep.best.parameters == {"x": 0.5, "n": 3, "mode": "b", "size": 8}


def test_warm_starts_that_cannot_be(tmp_path):
    sweep_before(tmp_path)
    before = Earlier.read(str(tmp_path / "before"), kind="identical")
    with pytest.raises(EmbertextError, match="before': its objective was maximize accuracy, ours is minimize loss; "):
        search(objective="loss", warm_start=[before])
    with pytest.raises(EmbertextError, match="before': it searched none of our parameters; leave it out"):
        search(Space(ranges({"y": [1]})), warm_start=[before])
    with pytest.raises(HyperparameterError, match=r"warm_start='\.\.\.': 6 sweeps, more than 5; choose the last ones"):
        search(warm_start=[before] * 6)
    with pytest.raises(EmbertextError, match=r"storage='.*none': no such file; give the storage of an earlier sweep"):
        Earlier.read(str(tmp_path / "none"), kind="transfer")
    with pytest.raises(EmbertextError, match=r"storage='.*before': no sweep 'x' there; it has sweep"):
        recorded(str(tmp_path / "before"), name="x")
    search(storage=str(tmp_path / "empty")).close()
    with pytest.raises(EmbertextError, match=r"warm_start='.*empty': no trial of it has completed; leave it out"):
        Earlier.read(str(tmp_path / "empty"), kind="transfer")


def test_an_objective_that_no_trial_reports():
    with search(objective="accuracy") as sweep:
        said = "objective='accuracy': no trial reports it; did you mean acuracy?; choose from acuracy, seconds"
        with pytest.raises(HyperparameterError) as refused:
            sweep.tell(sweep.ask().number, {"acuracy": 0.5, "seconds": 3})
        assert str(refused.value) == said
        assert sweep.own[0].status == "failed"
        assert sweep.own[0].reason == "it reported no accuracy"


def test_one_trial_without_the_objective_is_one_failed_trial():
    with search() as sweep:
        go(sweep, 1)
        told = sweep.tell(sweep.ask().number, {"loss": 0.5})
        assert (told.status, told.reason) == ("failed", "it reported no accuracy")
        assert sweep.best.number == 0


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_an_objective_that_is_no_number_is_one_failed_trial(storage, number):
    with search(storage=storage, strategy="bayesian") as sweep:
        trial = sweep.ask()
        assert not sweep.report(trial.number, 1, {"accuracy": number})
        told = sweep.tell(trial.number, {"accuracy": number, "loss": number, "seconds": 2.0}, seconds=2.0)
        assert (told.status, told.reason, told.metrics) == ("failed", f"accuracy is {number}", {"seconds": 2.0})
        assert (told.values, told.rounds) == ((), {})
        go(sweep, 8)
        assert sweep.best.number > 0
        assert sweep.own[0] == told


def test_every_trial_failed():
    with search() as sweep:
        with pytest.raises(EmbertextError, match="sweep: no trial has completed; allow more jobs, or more time"):
            _ = sweep.best
        for reason in ("no luck", "out of memory"):
            sweep.tell(sweep.ask().number, None, reason=reason)
        with pytest.raises(
            EmbertextError, match=r"trial 1 with {'x': .*}: every trial failed, 2 of them; this one: out of"
        ):
            _ = sweep.best


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"strategy": "grid"}, "ranges.x.type='continuous': a grid cannot have a continuous range; "),
        ({"strategy": "hyperband"}, "epochs=0: Hyperband compares trials after 1, 3, 9, ... rounds"),
        (
            {"strategy": "hyperband", "rounds": 9, "early_stopping": "median"},
            "early_stopping_type='median': Hyperband stops trials by a rule of its own; ",
        ),
        (
            {"strategy": "hyperband", "rounds": 9, "by_rounds": ("loss", "total_loss")},
            "strategy='hyperband': it stops trials by what they come to after each epoch, and accuracy is known at "
            "their end; choose loss or total_loss as objective, or another strategy",
        ),
        (
            {"objective": ["accuracy", "seconds"], "early_stopping": "median"},
            "early_stopping_type='median': it compares trials by one objective; ",
        ),
        (
            {"objective": ["accuracy", "seconds"], "strategy": "hyperband", "rounds": 9},
            "strategy='hyperband': it compares trials by one objective; ",
        ),
    ],
)
def test_what_cannot_be_searched_so(settings, said):
    with pytest.raises(HyperparameterError) as refused:
        search(**settings)
    assert str(refused.value).startswith(said)


def test_importances():
    with search() as sweep:
        go(sweep, 12)
        assert sum(sweep.importances().values()) == pytest.approx(1)
