"""The report of a sweep: whole, escaped, whatever its trials came to."""

import dataclasses

import pytest

from tasks.tune import page, plots
from tasks.tune.settings import Tuning
from tasks.tune.table import cost, rows
from tests.sweeps import swept
from tests.tasks.parsed import Page


def manifest(found):
    return {
        "tuned": "text_classification",
        "corpus": {"name": "news <b>"},
        "cost": cost(found),
        "ranges": {name: each.model_dump(mode="json") for name, each in found.sweep.space.ranges.items()},
        "hyperparameters": {"rate": 0.1},
        "seconds": {"tune": 33.0},
    }


SWEEPS = {
    "one objective": swept(0.7, 0.9, 0.8, 0.95),
    "a front": swept(0.7, 0.9, 0.8, tuning=Tuning(objective="accuracy, seconds")),
    "one trial": swept(0.7, 0.6, failed=0, importances={}),
    "all alike": swept(0.5, 0.5, 0.5, 0.5),
}


@pytest.mark.parametrize("name", SWEEPS)
def test_the_page_is_whole(name):
    found = SWEEPS[name]
    html = Page(page.render(found, manifest=manifest(found), rows=rows(found)))
    assert "text classification tuned on news <b>" in html.text
    assert all(row["model_name"] in html.text for row in rows(found))
    assert found.ended in html.text
    assert ("Pareto" in html.text) == (name == "a front")
    pictures = [attributes["alt"] for tag, attributes in html.tags if tag == "img"]
    assert ("Chart: which parameters matter" in pictures) == (name != "one trial")
    assert "Chart: each parameter by itself" in pictures
    assert all("script" not in tag for tag, _ in html.tags)


def test_many_trials_are_cut_off(monkeypatch):
    monkeypatch.setattr(page, "SHOWN", 2)
    found = SWEEPS["one objective"]
    html = Page(page.render(found, manifest=manifest(found), rows=rows(found)))
    assert "and 3 more, in trials.csv" in html.text


def test_the_summary_in_markdown():
    found = SWEEPS["one objective"]
    text = page.summary_markdown(found, manifest=manifest(found), rows=rows(found), model="m.tar.gz", report="r.html")
    assert text.startswith("## text classification tuned on news &lt;b&gt;")
    assert f"| {found.name}-001 |".replace("_", "&#95;") in text
    assert "it &lt;b&gt;broke&lt;/b&gt; &#124; &#36;x&#36;" in text
    assert "12 jobs were trained" in text


def test_a_rule_that_could_stop_nothing_is_on_the_page():
    found = swept(0.5, 0.9, failed=0, idle="median stops no trial: npmi is known at its end")
    told, table = manifest(found), rows(found)
    assert f"No trial could be stopped early: {found.idle}." in Page(page.render(found, manifest=told, rows=table)).text
    assert found.idle in page.summary_markdown(found, manifest=told, rows=table, model="m", report="r")
    assert page.terminal_rows(found, told, table)[-1] == ("note", found.idle)


def test_a_trial_whose_process_died_is_not_counted_twice():
    found = SWEEPS["one objective"]
    died = dataclasses.replace(found.trials[0], status="interrupted", values=(), seconds=0.0, reason="its process died")
    again = found._replace(trials=[*found.trials, died])
    assert page.key_figures(again, manifest(again)) == page.key_figures(found, manifest(found))
    [axes] = plots.history(again.trials, again.objectives[0]).axes
    assert axes.get_xlim() == (-0.5, len(found.trials) - 0.5)


def test_trials_are_drawn_at_their_numbers_those_of_earlier_sweeps_before():
    found = SWEEPS["one objective"].trials
    earlier = [dataclasses.replace(each, sweep="s3://b/tune") for each in found[:2]]
    [axes] = plots.history([*earlier, *found], SWEEPS["one objective"].objectives[0]).axes
    assert [int(line.get_xdata()[0]) for line in axes.lines[:-1]] == [-2, -1, 0, 1, 2, 3]


def test_a_line_passes_what_did_not_count_there():
    found = SWEEPS["one objective"]
    ranges = found.sweep.space.ranges | {"more": found.sweep.space.ranges["rate"]}
    [axes] = plots.parallel(found.trials, ranges, found.objectives[0]).axes
    dotted = [list(line.get_xdata()) for line in axes.lines if line.get_linestyle() == ":"]
    assert sorted(dotted) == [[1, 4], [1, 4], [2, 4]]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.005, 1.0, [0.005, 0.02, 0.1, 0.5]),
        (1e-6, 0.2, [1e-6, 1e-4, 0.01]),
        (10, 64, [10, 20, 50]),
        (3, 4, [3, 4]),
        (1, 100, [1, 5, 20, 100]),
    ],
)
def test_ticks_are_round(low, high, ticks):
    assert plots._logarithmic_ticks(low, high) == pytest.approx(ticks)


@pytest.mark.parametrize(("euros", "shown"), [(0.0027, "0.0027 €"), (0.23, "0.23 €"), (12.0, "12.00 €"), (0.0, "0 €")])
def test_small_sums_are_not_nothing(euros, shown):
    found = SWEEPS["one objective"]
    assert page.key_figures(found, {"cost": {"machine_seconds": 1.0, "euros": euros}})["cost"] == shown


def test_what_a_terminal_shows():
    found = SWEEPS["one objective"]
    shown = page.terminal_rows(found, manifest(found), rows(found))
    assert shown[0] == ("sweep", "best accuracy 0.9, trials 5, stopped 1, failed 1, machine time 23.5 s, cost 0.23 €")
    assert shown[1] == (f"{found.name}-001", "accuracy=0.9, rate=0.002, kind=b, depth=2, seconds=11")
    assert shown[-1] == ("ended", "12 jobs were trained")
    assert len(shown) == 6
