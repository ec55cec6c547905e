"""The routes beside the invocations."""

import pytest

from tasks.serve.endpoint import create_app
from tasks.serve.models import Models
from tests.tasks.serve.client import Client
from tests.tasks.serve.fake import Fake, Mute, open_fake, publish


@pytest.fixture
def app():
    return Client(create_app(Models.of(words=Fake(), mute=Mute())))


def test_ping_is_empty_and_only_well_when_models_are_open(tmp_path):
    models = Models({"one": publish(tmp_path / "one", "hello")}, open_fake)
    app = Client(create_app(models))
    assert app.get("/ping").status_code == 503
    models.load()
    answer = app.get("/ping")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(("megabytes", "concurrent"), [(6, 4), (100, 1)])
def test_execution_parameters(monkeypatch, megabytes, concurrent):
    monkeypatch.setattr("tasks.serve.endpoint.cores", lambda: 4)
    app = Client(create_app(Models.of(words=Fake()), most_bytes=megabytes * 2**20))
    assert app.get("/execution-parameters").json() == {
        "MaxConcurrentTransforms": concurrent,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": megabytes,
    }


def test_models_describe_themselves(app):
    words, mute = app.get("/models").json()
    assert words == app.get("/models/words").json()
    assert (words["name"], words["algorithm"]) == ("words", "fake")
    assert words["default"]
    assert not mute["default"]
    assert words["about"]["greeting"] == "hello"
    assert words["content_types"] == ["application/json", "application/jsonlines"]


@pytest.mark.parametrize(
    ("path", "question", "of"),
    [
        ("/neighbors", {"words": ["a", "b"], "k": 2}, ["a", "b"]),
        ("/neighbors", {"positive": ["king", "woman"], "negative": ["man"], "k": 2}, ["+king +woman -man"]),
        ("/neighbors", {"documents": ["one text", "another"], "k": 2}, ["one text", "another"]),
        ("/neighbors", {"vector": [0.5, 1], "k": 2}, ["vector"]),
        ("/neighbors", {"words": ["a"], "model": "words", "k": 2}, ["a"]),
        ("/models/words/neighbors", {"words": ["a"], "k": 2}, ["a"]),
    ],
)
def test_what_is_near(app, path, question, of):
    answer = app.post(path, json=question).json()
    assert answer["model"] == "words"
    assert [found["of"] for found in answer["neighbors"]] == of
    near = [{"name": "near 0", "similarity": 1.0}, {"name": "near 1", "similarity": 0.9}]
    assert all(found["nearest"] == near for found in answer["neighbors"])
    if "vector" not in question:
        assert app.get(path, params=question).json() == answer


@pytest.mark.parametrize(
    ("path", "question", "status", "text"),
    [
        ("/neighbors", {"words": ["unknown"]}, 400, 'words[0]: "unknown" is not in the vocabulary; ask for another'),
        ("/neighbors", {"words": ["a"], "k": 0}, 400, "k: Input should be greater than or equal to 1"),
        ("/neighbors", {"words": ["a"], "many": 1}, 400, "many: no such parameter; /docs tells which"),
        ("/neighbors", {"words": "a"}, 400, "words: Input should be a valid list"),
        ("/neighbors", {"words": ["a"], "model": "none"}, 404, "none: no such model; there is words, mute"),
        ("/models/none/neighbors", {"words": ["a"]}, 404, "none: no such model"),
        ("/models/mute/neighbors", {"words": ["a"]}, 400, "mute: this model knows of no neighbours; ask another one"),
    ],
)
def test_questions_that_cannot_be_answered(app, path, question, status, text):
    answer = app.post(path, json=question)
    assert answer.status_code == status
    assert text in answer.text
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_a_body_that_is_no_json(app):
    answer = app.post("/neighbors", content=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "JSON" in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nowhere", 404), ("POST", "/ping", 405), ("GET", "/reload", 405)]
)
def test_routes_that_are_none(app, method, path, status):
    answer = app.request(method, path)
    assert answer.status_code == status
    assert f"{method} {path}: " in answer.text
    assert "/docs tells which routes there are" in answer.text
    assert status != 405 or answer.headers["Allow"]


def test_reload_takes_what_is_newer_and_tells_the_others(tmp_path):
    models = Models({"one": publish(tmp_path / "one", "hello")}, open_fake)
    models.load()
    told = []
    app = Client(create_app(models, reload_others=lambda: told.append(1)))
    assert app.post("/reload").json() == [
        {"model": "one", "version": models.find().version.name, "changed": False, "error": ""}
    ]
    publish(tmp_path / "one", "good morning")
    [found] = app.post("/reload").json()
    assert found["changed"]
    assert app.get("/models/one").json()["version"] == found["version"]
    assert told == [1, 1]


def test_a_failure_is_for_the_log_alone(app, monkeypatch, caplog):
    monkeypatch.setattr(Fake, "neighbours", lambda self, **_: 1 / 0)
    answer = app.post("/neighbors", json={"words": ["a"]})
    assert (answer.status_code, answer.text) == (500, "this cannot be answered; the server's log says why")
    assert "ZeroDivisionError" in caplog.text
