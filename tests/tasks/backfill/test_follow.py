"""Runs of a deployment on a temporary server, without a worker: the test begins and ends them itself."""

import uuid
from types import SimpleNamespace

import orjson
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.objects import StateType
from prefect.states import Cancelled, Completed, Failed, Pending, Running

from data.errors import EmbertextError
from tasks.backfill import follow as following
from tasks.backfill import runs
from tasks.backfill.follow import follow, stand
from tasks.backfill.matrix import outcome
from tests.tasks.backfill.targets import SCHEMA, planned

COMPLETED, FAILED = "Completed", "Failed"


@pytest.fixture
def client(prefect_api, monkeypatch):
    monkeypatch.setattr(following, "LOOK", 0.0)
    with get_client(sync_client=True) as client:
        yield client


@pytest.fixture
def target(client):
    """A deployment of its own for each test."""
    name = f"train-{uuid.uuid4().hex[:8]}"
    flow = client.create_flow_from_name(name)
    client.create_deployment(
        flow, "nightly", parameters={"train": "news/"}, parameter_openapi_schema=SCHEMA, enforce_parameter_schema=True
    )
    return runs.find(client, f"{name}/nightly")


class Worker:
    """Begins runs at one look and ends them at the next: as `verdict` of their partition says, well without one."""

    def __init__(self, client, verdict=None):
        self.client, self.verdict, self.most, self.looks, self.submitted = client, verdict or {}, 0, 0, []

    def __call__(self, standings):
        self.looks += 1
        unfinished = [each for each in standings if each.is_unfinished]
        self.most = max(self.most, len(unfinished))
        for each in unfinished:
            if each.run.id not in self.submitted:
                self.submitted.append(each.run.id)
            if each.run.state.type == StateType.SCHEDULED:
                self.set(each.run, Pending())
                self.set(each.run, Running())
            elif each.run.state.type == StateType.RUNNING:
                self.end(each)

    def end(self, each):
        end = self.verdict.get(each.cell.partition, COMPLETED)
        if end == COMPLETED:
            leave_outcome(self.client, each.run, rate=each.cell.swept.get("rate", 0))
            self.set(each.run, Completed())
        elif end == FAILED:
            self.set(each.run, Failed(message="no such file\nand more"))
        else:
            self.set(each.run, Cancelled())

    def set(self, run, state):
        self.client.set_flow_run_state(run.id, state, force=True)


def leave_outcome(client, run, *, rate):
    rows = [{"name": "model", "value": f"out/{run.name}/model.tar.gz"}, {"name": "mean_rho", "value": rate * 10}]
    artifact = ArtifactCreate(
        key="word2vec-outcome", type="table", data=orjson.dumps(rows).decode(), flow_run_id=run.id
    )
    client.create_artifact(artifact)


def run(client, plan, worker, *, redo="none", limit=2, cancel_running=False):
    standings = stand(client, plan, redo)
    end = follow(client, plan, standings, limit=limit, cancel_running=cancel_running, tell=worker)
    return SimpleNamespace(standings=standings, end=end, found=outcome(plan, standings))


def made(client, plan):
    return client.read_flow_runs(flow_run_filter=runs.FlowRunFilter(tags={"all_": [f"backfill:{plan.id}"]}), limit=100)


def test_each_runs_once_and_its_outcome_is_told(client, target):
    plan = planned(target, sweep={"rate": [0.025, 0.05]})
    worker = Worker(client)
    done = run(client, plan, worker)
    assert done.end is None
    assert worker.most == 2, "never more than the limit"
    assert done.found.counts == {COMPLETED: 6}
    assert [row.value for row in done.found.rows] == [0.25, 0.5] * 3
    assert done.found.rows[1].model == "out/2026-01 rate=0.05/model.tar.gz"
    assert done.found.matrix()[0] == ["2026-01", "Completed 0.25", "Completed 0.5"]
    assert f"[Completed 0.25]({done.found.rows[0].run})" in done.found.markdown()
    first = done.standings[0].run
    assert (first.name, {"backfill", f"backfill:{plan.id}"} <= {*first.tags}) == ("2026-01 rate=0.025", True)
    assert first.parameters == {"train": "news/", "partition": "2026-01", "model": {"epochs": 5, "rate": 0.025}}

    again = run(client, plan, other := Worker(client))
    assert (other.submitted, len(made(client, plan))) == ([], 6)
    assert again.found.summary() == "6 runs: 6 Completed; 6 had ended before"
    assert again.found.rows[0].value == 0.25

    longer = run(client, planned(target, last="2026-04", sweep={"rate": [0.05]}), Worker(client))
    assert longer.found.summary() == "4 runs: 4 Completed; 3 had ended before"


def test_failed_ones_are_tried_again_when_that_is_asked_for(client, target):
    plan = planned(target)
    failing = {"2026-01": FAILED, "2026-02": "Cancelled"}
    first = run(client, plan, Worker(client, failing))
    assert [row.name for row in first.found.failed] == ["2026-01", "2026-02"]
    assert first.found.failed[0].message == "no such file"
    again = run(client, plan, worker := Worker(client)).found.failed
    assert [row.run for row in again] == [row.run for row in first.found.failed]
    assert worker.submitted == []

    second = run(client, plan, Worker(client, {"2026-01": FAILED}), redo="failed")
    assert [row.state for row in second.found.rows] == [FAILED, COMPLETED, COMPLETED]
    assert [each.attempt.number for each in second.standings] == [2, 2, 1]
    third = run(client, plan, Worker(client), redo="failed")
    assert third.found.counts == {COMPLETED: 3}
    assert third.standings[0].run.name == "2026-01 #3"
    everything = run(client, plan, Worker(client), redo="all")
    assert [each.attempt.number for each in everything.standings] == [4, 3, 2]
    assert len(made(client, plan)) == 9


class Interrupting(Worker):
    """Ctrl-C at a look."""

    def __init__(self, client, *, at):
        super().__init__(client)
        self.at = at

    def __call__(self, standings):
        if self.looks < self.at:
            super().__call__(standings)
            if self.looks == self.at:
                raise KeyboardInterrupt


@pytest.mark.parametrize("cancel_running", [False, True])
def test_stopped(client, target, cancel_running):
    plan = planned(target)

    class Half(Interrupting):
        def set(self, run, state):
            if run.name != "2026-02":  # that one waits for a worker
                super().set(run, state)

    done = run(client, plan, Half(client, at=1), cancel_running=cancel_running)
    assert isinstance(done.end, KeyboardInterrupt)
    trains = "Cancelling" if cancel_running else "Running"
    assert [row.state for row in done.found.rows] == [trains, "Withdrawn", "to run"]
    assert done.found.failed == []
    if cancel_running:
        return
    again = run(client, plan, worker := Worker(client))
    assert again.found.counts == {COMPLETED: 3}
    assert [each.attempt.number for each in again.standings] == [1, 2, 1]
    assert worker.submitted[0] == done.standings[0].run.id, "what trained was followed"


def test_killed_and_begun_again(client, target):
    plan = planned(target)

    class Killed(Worker):
        def __call__(self, standings):
            super().__call__(standings)
            raise RuntimeError("kill -9")

    with pytest.raises(RuntimeError):
        run(client, plan, Killed(client))
    assert len(made(client, plan)) == 2
    again = run(client, plan, Worker(client))
    assert again.found.counts == {COMPLETED: 3}
    assert len(made(client, plan)) == 3, "none twice"


def test_a_submission_that_was_cut_short(client, target, monkeypatch):
    plan = planned(target, last="2026-01")
    submit = runs.submit

    def cut(*arguments):
        submit(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "submit", cut)
    assert [row.state for row in run(client, plan, Worker(client)).found.rows] == ["Withdrawn"]


def test_one_that_somebody_deletes(client, target):
    class Deleting(Worker):
        def end(self, each):
            self.client.delete_flow_run(each.run.id)

    done = run(client, planned(target, last="2026-01"), Deleting(client))
    assert [row.state for row in done.found.failed] == ["not run"]


def test_finding_a_deployment(client, target):
    assert target.name.endswith("/nightly")
    assert target.parameters == {"train": "news/"}
    with pytest.raises(EmbertextError, match=f"no deployment nowhere; there are .*{target.name}"):
        runs.find(client, "nowhere")
    client.create_deployment(client.create_flow_from_name("another"), "nightly")
    with pytest.raises(
        EmbertextError, match=f"deployments are called nightly; name one of another/nightly, .*{target.name}"
    ):
        runs.find(client, "nightly")


def test_what_only_the_server_knows_is_told(client, target):
    plan = planned(target._replace(schema={**SCHEMA, "properties": {"partition": {"type": "string"}}}), last="2026-01")
    cell = plan.cells[0]._replace(sent={"train": 1})
    with pytest.raises(EmbertextError, match=r"nightly: refused 2026-01: .*'train'.*; change that"):
        runs.submit(client, plan, cell, 1)
