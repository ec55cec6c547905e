"""The whole platform at once, every part of it real: Prefect's server and worker, Dask's scheduler and workers, S3.

Nothing is told to the runs but what a team tells them: all is deployed by one command, with the places that all share
in the environment; corpora, finished stages, models and registry are on S3, and Dask's workers train. One story, whose
tests follow one another:

    the nightly run       its schedule starts it; it finds its partition by when it was scheduled; the first champion
    a run by hand         Chromium fills in the form and presses Submit; a better model becomes the champion
    half a year anew      a backfill of six months by two learning rates, killed in the middle, and begun again
    the gate              a worse model: published, registered, refused, and the run is none that has failed

`make platform` shows how it goes.
"""

import itertools
import re
import signal
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from data import storage
from data.registry import aliases, versions
from tests.services.chromium import CHROMIUM, browser
from tests.services.conftest import process, wait_for
from tests.services.platform import ENDS, MONTHS, NAME, Platform, say, whole
from tests.services.test_forms_in_chromium import FIELDS, fill, show, submit

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(900)]

RATES = [0.025, 0.25]
AT_A_TIME = 2
FORM = {"vector_dim": 8, "min_count": 1, "buckets": 1000, "epochs": 1, "learning_rate": 1e-6}  # it learns nothing


@pytest.fixture(scope="module")
def platform(bucket: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Up, for all tests here."""
    with whole(bucket, tmp_path_factory.mktemp("platform")) as up:
        yield up


def test_the_nightly_run(platform: Platform) -> None:
    """Woken, with a moment that comes soon: who asks for the run is the server's own scheduler."""
    deployment = platform.deployment("text-classification")
    assert deployment["parameters"]["output"] == platform.models
    [nightly] = deployment["schedules"]
    schedule = f"/deployments/{deployment['id']}/schedules/{nightly['id']}"
    given = {
        "train": f"{platform.place}/{NAME}",
        "validation": f"{platform.place}/judged-by.txt",
        "partition": "yesterday",
        "text_classification": FORM,
        "registration": {"model_name": NAME},
    }
    soon = {"interval": 60, "anchor_date": (datetime.now(UTC) + timedelta(seconds=8)).isoformat()}
    woken = {"active": True, "schedule": soon, "parameters": given}
    platform.server.client.patch(schedule, json=woken).raise_for_status()
    try:
        about = {"flow_runs": {"deployment_id": {"any_": [deployment["id"]]}}, "sort": "EXPECTED_START_TIME_ASC"}
        begun = {"SCHEDULED", "PENDING"}
        run = wait_for(
            lambda: next(
                (each for each in platform.filter("flow_runs", **about) if each["state_type"] not in begun), 0
            ),
            seconds=120,
            what="a scheduled run",
        )
    finally:
        platform.server.client.patch(schedule, json={"active": False}).raise_for_status()
    say(f"{run['name']} has started by itself")
    run = platform.finished(run["id"])
    assert run["auto_scheduled"]
    assert run["created_by"]["type"] == "SCHEDULE"
    yesterday = datetime.fromisoformat(run["expected_start_time"]) - timedelta(1)
    [manifest] = platform.published().values()
    assert manifest["partition"] == f"{yesterday:%Y-%m-%d}"
    alias, _ = aliases.champion(platform.registry, NAME)
    assert alias
    assert (alias.version, alias.why) == (1, "the first one")
    assert versions.read(platform.registry, NAME, 1).run.id == run["id"]
    [event] = platform.events(run, "embertext.model.promoted")
    assert event["payload"]["version"] == f"{NAME}@1"
    say(f"{NAME}@1, of {manifest['partition']}, is the first champion")


@pytest.mark.parametrize("way", ["chromium" if CHROMIUM else "api"])
def test_a_run_by_hand(platform: Platform, way: str, tmp_path: Path) -> None:
    """Of all days that there are, by the hyperparameters of the deployment, in the form; the name of the test says
    where there was no browser to do it."""
    deployment = platform.deployment("text-classification")
    if way == "chromium":
        run = by_form(platform, deployment, tmp_path)
    else:
        form = {**deployment["parameters"]["text_classification"], "buckets": 1000, "min_count": 1}
        given = {
            "train": f"{platform.place}/{NAME}",
            "validation": f"{platform.place}/judged-by.txt",
            "text_classification": form,
            "registration": {"model_name": NAME},
        }
        run = asked_for(platform, deployment, given)
    found = platform.finished(run)
    alias, _ = aliases.champion(platform.registry, NAME)
    assert alias
    assert (alias.version, alias.previous) == (2, 1)
    assert alias.why.startswith("not worse: accuracy ")
    assert versions.read(platform.registry, NAME, 2).run.id == found["id"]
    [event] = platform.events(found, "embertext.model.promoted")
    assert event["payload"]["champion"] == f"{NAME}@1"
    say(f"{NAME}@2 is promoted, {alias.why}")


def by_form(platform: Platform, deployment: dict[str, Any], folder: Path) -> str:
    """The id of a run that was begun as a person does it."""
    pages = str(platform.server.client.base_url).replace("/api/", "/v2")
    with browser(folder) as page:
        page.size(1400, 1000)
        show(page, f"{pages}/deployments/deployment/{deployment['id']}/run")
        page.until(f"{FIELDS}.length > 20", seconds=60)
        fill(page, "Training data", f"{platform.place}/{NAME}")
        fill(page, "Validation data", f"{platform.place}/judged-by.txt")
        fill(page, "Buckets", "1000")
        fill(page, "Minimum count", "1")
        fill(page, "Name in the registry", NAME)
        submit(page)
        page.until("location.pathname.includes('/runs/flow-run/')", seconds=60)
        run = str(page.run("location.pathname.split('/').pop()"))
        say("Chromium has filled in the form and pressed Submit")
        page.until("document.body.innerText.includes('\\nCompleted\\n')", seconds=240)
        say("the page of the run says Completed")
    return run


def asked_for(platform: Platform, deployment: dict[str, Any], given: dict[str, Any]) -> str:
    """The id of a run of these parameters."""
    path = f"/deployments/{deployment['id']}/create_flow_run"
    return str(platform.server.client.post(path, json={"parameters": given}).raise_for_status().json()["id"])


def test_half_a_year_anew(platform: Platform, tmp_path: Path) -> None:
    """Each cell once, however the backfill ends; what trains does not mind, and the same command goes on."""
    others = set(platform.published())
    path = f"/deployments/{platform.deployment('word2vec')['id']}"
    platform.server.client.patch(path, json={"concurrency_limit": 4}).raise_for_status()  # more than we ask for
    rates = ",".join(map(str, RATES))
    command = (sys.executable, "-m", "flows.cli", "backfill", "word2vec", "--from", MONTHS[0], "--to", MONTHS[-1])
    command += ("--every", "month", "--sweep", f"learning_rate={rates}", "--limit", str(AT_A_TIME))
    for given in (f"train={platform.place}/news", "vector_dim=4", "epochs=1", "min_count=1"):
        command += ("--param", given)
    most = told = 0

    def runs() -> list[dict[str, Any]]:
        nonlocal most, told
        time.sleep(0.5)
        found = platform.filter("flow_runs", flow_runs={"tags": {"all_": ["backfill"]}}, sort="START_TIME_ASC")
        most = max(most, sum(each["state_type"] not in ENDS for each in found))
        done = sum(each["state_type"] in ENDS for each in found)
        if done > told:
            say(f"{done} of {len(MONTHS) * len(RATES)} done")
        told = done
        return found

    def in_the_middle() -> list[dict[str, Any]]:
        found = runs()
        states = [each["state_type"] for each in found]
        ready = states.count("COMPLETED") > 2 and "RUNNING" in states and len(found) < len(MONTHS) * len(RATES)
        return found if ready else []

    log = tmp_path / "killed.log"
    say(f"embertext backfill word2vec --from {MONTHS[0]} --to {MONTHS[-1]} --every month ... --limit {AT_A_TIME}")
    with process(*command, log=log, **platform.server.environment) as killed:
        found = wait_for(lambda: killed.poll() is not None or in_the_middle(), seconds=300, what="half of a backfill")
        assert killed.poll() is None, log.read_text()
        killed.kill()
        assert killed.wait() == -signal.SIGKILL
    done = {each["id"]: each["end_time"] for each in found if each["state_type"] == "COMPLETED"}
    say(f"killed by -9: {len(done)} done, {len(found) - len(done)} begun, of 12; the same command again")

    log = tmp_path / "again.log"
    with process(*command, log=log, **platform.server.environment) as again:
        wait_for(lambda: runs() and again.poll() is not None, seconds=600, what="the rest of a backfill")
    assert again.returncode == 0, log.read_text()
    table = log.read_text()[log.read_text().index("partition ") :]
    say(f"it has ended with 0, and shows\n\n{table}")

    found = runs()
    assert most <= AT_A_TIME
    assert concurrent(found) <= AT_A_TIME
    assert [(each["state_name"], each["run_count"]) for each in found] == [("Completed", 1)] * 12
    assert len({each["idempotency_key"] for each in found}) == 12
    assert {each["name"] for each in found} == {
        f"{month} learning_rate={rate}" for month, rate in itertools.product(MONTHS, RATES)
    }
    assert done.items() <= {each["id"]: each["end_time"] for each in found}.items(), "none of them was run again"

    models = [manifest for url, manifest in platform.published().items() if url not in others]
    cells = [(each["partition"], each["hyperparameters"]["learning_rate"]) for each in models]
    assert sorted(cells) == sorted(itertools.product(MONTHS, RATES)), "12 models, none twice"

    shown = {key: platform.get(f"/artifacts/backfill-{key}/latest")["data"] for key in ("matrix", "summary")}
    check_matrix(shown["matrix"], shown["summary"], {each["id"] for each in found})
    say("12 models, none twice")


def check_matrix(matrix: Any, summary: str, runs: set[str]) -> None:
    """Each cell is completed, has a metric, and leads to its run."""
    rows = storage.from_json(matrix, "backfill-matrix") if isinstance(matrix, str) else matrix
    assert [row.pop("partition") for row in rows] == MONTHS
    assert [list(row) for row in rows] == [[f"learning_rate={rate}" for rate in RATES]] * len(MONTHS)
    assert all(re.fullmatch(r"Completed -?\d\.\d+(e-\d+)?", cell) for row in rows for cell in row.values()), rows
    links = re.findall(r"\[Completed [^]]+\]\(\S+/runs/flow-run/([0-9a-f-]{36})\)", summary)
    assert len(links) == 12
    assert set(links) == runs


def concurrent(runs: list[dict[str, Any]]) -> int:
    """How many there were at a time, at most."""
    moments = [(datetime.fromisoformat(each["start_time"]), 1) for each in runs]
    moments += [(datetime.fromisoformat(each["end_time"]), -1) for each in runs]
    return max(itertools.accumulate(step for _, step in sorted(moments)))


def test_the_gate(platform: Platform) -> None:
    """A model that has learned nothing is published and registered all the same; the champion stays."""
    given = {
        "train": f"{platform.place}/{NAME}",
        "validation": f"{platform.place}/judged-by.txt",
        "text_classification": FORM,
        "registration": {"model_name": NAME},
    }
    run = platform.finished(asked_for(platform, platform.deployment("text-classification"), given))
    alias, _ = aliases.champion(platform.registry, NAME)
    assert alias
    assert (alias.version, len(alias.history)) == (2, 1)
    assert versions.numbers(platform.registry, NAME) == [1, 2, 3]
    refused = versions.read(platform.registry, NAME, 3)
    assert refused.judged
    why = refused.judged["why"]
    assert re.fullmatch(rf"worse: accuracy 0\.\d+, that of {NAME}@2 \d\.\d+", why)
    shown = platform.artifacts(run)["text-classification-champion"]
    assert shown["description"] == f"{NAME}@3 is refused: {why}."
    [event] = platform.events(run, "embertext.model.refused")
    assert event["payload"]["version"] == f"{NAME}@3"
    assert event["payload"]["champion"] == f"{NAME}@2"
    assert event["payload"]["reason"] == why
    say(f"{NAME}@3 is refused, {why}")
