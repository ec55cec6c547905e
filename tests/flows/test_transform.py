"""Batch transform as a flow and from a shell: models of all algorithms, on threads and on Dask."""

import json
from pathlib import Path

import numpy as np
import pytest
from distributed import LocalCluster

from algorithms.answers import JSON_LINES
from data.errors import EmbertextError
from flows.cli import SUCCESS, USER_ERROR
from flows.cli import run as command
from flows.hosted import hosted
from flows.transform import transform
from tasks.transform import run as running
from tasks.transform import slices
from tests import small_models
from tests.flows import runs
from tests.tasks.transform.fake import row

STAGES = {"plan", "answer", "publish", "report"}
RECORDS = {
    "word2vec": ['{"source": "dog"}', '"cheese"', '{"source": "unknown"}'],
    "text_classification": ['{"source": "dog cat", "k": 2}', '{"source": "bread"}'],
    "topics": ['{"features": [1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 1]}'],
    "object2vec": ['{"in0": [1, 2], "in1": [3]}', '{"in0": [4], "in1": [5, 6]}'],
}


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, str]:
    return small_models.publish(tmp_path_factory.mktemp("models"))


@pytest.fixture
def inputs(tmp_path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    draw = np.random.default_rng(1)
    words = [*small_models.ANIMALS, *small_models.FOODS, "new"]
    for name in ("a", "b"):
        lines = [json.dumps({"source": " ".join(draw.choice(words, 8)), "k": 2}) for _ in range(500)]
        (folder / f"{name}.jsonl").write_text("\n".join(lines))
    (folder / "c.txt").write_text("dog cat\nbread\n")
    return folder


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(slices, "SLICE", 5000)
    monkeypatch.setattr(running, "SLICE", 5000)


@pytest.fixture(scope="module")
def scheduler():
    """A cluster of this process, to which everything travels as to another's."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, protocol="tcp://", dashboard_address="127.0.0.1:0"
    ) as local:
        yield local.scheduler_address


def answers(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.out")}


def test_every_stage_completes(prefect_api, models, inputs, tmp_path):
    done = runs.run(transform, models["text_classification"], str(inputs), output=str(tmp_path / "out"))
    assert done.state.is_completed(), done.result
    assert runs.states(done, expected=len(STAGES)) == dict.fromkeys(STAGES, "Completed")
    told = done.result
    assert told.metrics == {"files": 3, "rows": 1002, "errors": 0, "answered": 1002}
    assert told.seconds.keys() == STAGES
    assert told.places == {"output": str(tmp_path / "out"), "manifest": str(tmp_path / "out" / "manifest.json")}
    assert dict(told.rows)["answers"] == "1,002 rows in 3 file(s)"
    found = runs.artifacts(done)
    assert found.keys() == {f"transform-{name}" for name in ("summary", "files", "output", "progress")}
    assert [each["rows"] for each in json.loads(found["transform-files"].data)] == [500, 500, 2]
    assert found["transform-progress"].data == 100
    for name in ("a", "b"):
        expected = hosted(models["text_classification"]).answer(
            (inputs / f"{name}.jsonl").read_bytes(), content_type=JSON_LINES
        )
        assert (tmp_path / "out" / f"{name}.jsonl.out").read_bytes() == expected.body
    again = runs.run(transform, models["text_classification"], str(inputs), output=str(tmp_path / "out"))
    assert again.result.reused == ["answer", "publish"]
    assert runs.states(again, expected=len(STAGES))["publish"] == "Cached"


def test_a_folder_of_every_algorithm(prefect_api, models, tmp_path):
    """JSON Lines of which BlazingText's batch transform says "Unable to decode payload"."""
    for algorithm, lines in RECORDS.items():
        (tmp_path / algorithm).mkdir()
        body = "\n".join(lines).encode()
        (tmp_path / algorithm / "lines.json").write_bytes(body)
        archive = str(Path(models[algorithm]) / "model.tar.gz")
        transform(archive, str(tmp_path / algorithm), output=str(tmp_path / "out" / algorithm))
        found = (tmp_path / "out" / algorithm / "lines.json.out").read_bytes()
        assert found == hosted(archive).answer(body, content_type=JSON_LINES, accept=JSON_LINES).body
        assert len(found.splitlines()) == len(lines)


def test_dask_leaves_the_same_bytes(prefect_api, models, inputs, tmp_path, small):
    model = models["text_classification"]
    transform(model, str(inputs), output=str(tmp_path / "here"), threads=2)
    done = transform(model, str(inputs), output=str(tmp_path / "dask"), workers=2)
    assert done.metrics["answered"] == 1002
    assert answers(tmp_path / "here") == answers(tmp_path / "dask")
    assert len(answers(tmp_path / "dask")) == 3


def test_errors_from_a_dask_worker(prefect_api, models, inputs, tmp_path, small, scheduler):
    given = (models["text_classification"], str(inputs))
    with (inputs / "b.jsonl").open("a") as file:
        file.write('\n{"source": 7}\n')
    with pytest.raises(EmbertextError, match=r"1 bad record\(s\) so far, .* in b\.jsonl: line 501: 7, expected a sent"):
        transform(*given, output=str(tmp_path / "out"), scheduler=scheduler)
    done = transform(*given, output=str(tmp_path / "out"), scheduler=scheduler, max_errors=1)
    assert done.metrics["errors"] == 1
    (inputs / "d.pbr").write_bytes(row(1))
    with pytest.raises(EmbertextError, match="content-type application/x-recordio-protobuf not supported"):
        transform(*given, output=str(tmp_path / "other"), scheduler=scheduler)


def test_from_a_shell(prefect_api, models, inputs, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("flows.cli.start_prefect", lambda: None)
    data, output = str(inputs / "c.txt"), str(tmp_path / "out")
    given = ["transform", "--model", models["word2vec"], "--data", data, "--output", output]
    assert command(given) == SUCCESS
    shown = capfd.readouterr().out
    assert "2 rows in 1 file(s)" in shown
    assert f"output    {tmp_path / 'out'}" in shown
    assert command([*given, "--json"]) == SUCCESS
    assert json.loads(capfd.readouterr().out.splitlines()[-1])["reused"] == ["answer", "publish"]
    assert json.loads((tmp_path / "out" / "c.txt.out").read_text().splitlines()[0])["word"] == "dog cat"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"--model": "none"}, "none: no such file or folder; check"),
        ({"--model": " "}, "model: no model is given; give a model.tar.gz"),
        ({"--data": "none"}, "none: no such file or folder"),
        (
            {"--accept": "application/json"},
            "accept: answers to text/plain cannot be one application/json",
        ),
        ({"--content-type": "image/png"}, "content_type: 'image/png' is not supported; give a content type: appl"),
        ({"--content-type": "text/csv"}, "content-type text/csv not supported; send application/json"),
        ({"--max-errors": "-2"}, "max_errors='-2': input should be greater than or equal to -1"),
        ({"--max-payload": "101"}, "max_payload='101': input should be less than or equal to 100"),
        ({"--strategy": "None"}, "strategy='None': input should be 'MultiRecord' or 'SingleRecord'"),
    ],
)
def test_mistakes_cost_one_line(prefect_api, models, inputs, tmp_path, monkeypatch, capfd, changed, expected):
    monkeypatch.setattr("flows.cli.start_prefect", lambda: None)
    monkeypatch.chdir(tmp_path)
    given = {"--model": models["word2vec"], "--data": str(inputs / "c.txt"), "--output": "out", **changed}
    assert command(["transform", *(f"{name}={value}" for name, value in given.items())]) == USER_ERROR
    shown = capfd.readouterr()
    assert shown.err.splitlines()[-1].startswith("error: ")
    assert expected in shown.err.splitlines()[-1]
    assert not (tmp_path / "out" / "manifest.json").exists()
