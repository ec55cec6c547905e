"""POST .../invocations: whose a request is, what comes back, and what is said when it goes wrong."""

import json

import pytest

from tasks.serve.bodies import MOST_BYTES
from tasks.serve.endpoint import create_app
from tasks.serve.invocations import FAILED
from tasks.serve.models import Models
from tests.tasks.serve.client import Client
from tests.tasks.serve.fake import Fake, body, open_fake

JSON = {"Content-Type": "application/json"}


def client(**models):
    return Client(create_app(Models.of(**(models or {"words": Fake()}))))


def test_an_answer():
    answer = client().post("/invocations", content=body("a", "b"), headers=JSON)
    assert answer.status_code == 200
    assert answer.json() == ["hello a", "hello b"]
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Amzn-Invoked-Production-Variant"] == "words"


@pytest.mark.parametrize(
    ("path", "target", "expected"),
    [
        ("/invocations", "", "one"),
        ("/invocations", "two", "two"),
        ("/invocations", "two.tar.gz", "two"),
        ("/invocations", "/two.tar.gz", "two"),
        ("/models/one/invocations", "", "one"),
        ("/models/two/invocations", "", "two"),
        ("/models/two/invocations", "one", "two"),
        ("/endpoints/one/invocations", "", "one"),
        ("/endpoints/two/invocations", "", "two"),
        ("/endpoints/mine/invocations", "two", "two"),
    ],
)
def test_whose_a_request_is(path, target, expected):
    headers = JSON | ({"X-Amzn-SageMaker-Target-Model": target} if target else {})
    answer = client(one=Fake("one"), two=Fake("two")).post(path, content=body("a"), headers=headers)
    assert answer.json() == [f"{expected} a"]


def test_the_endpoint_of_one_model_has_any_name():
    assert client().post("/endpoints/anything-at-all/invocations", content=body("a"), headers=JSON).json() == [
        "hello a"
    ]


@pytest.mark.parametrize(
    ("path", "target", "status", "text"),
    [
        ("/models/three/invocations", "", 404, "three: no such model; there is one, two"),
        ("/invocations", "three", 404, "three: no such model; there is one, two"),
        ("/endpoints/three/invocations", "", 400, "three: no such model; there is one, two"),
        ("/models//invocations", "", 404, "/models//invocations: no such route"),
        ("/elsewhere/invocations", "", 404, "/elsewhere/invocations: no such route"),
    ],
)
def test_who_asks_for_what_is_not_there(path, target, status, text):
    headers = JSON | ({"X-Amzn-SageMaker-Target-Model": target} if target else {})
    answer = client(one=Fake(), two=Fake()).post(path, content=body("a"), headers=headers)
    assert answer.status_code == status
    assert text in answer.text


@pytest.mark.parametrize("instance", ["a", "bad", "fail"])
@pytest.mark.parametrize("path", ["/invocations", "/endpoints/words/invocations"])
def test_headers_come_back_and_unknown_ones_do_no_harm(path, instance):
    echoed = {"X-Amzn-SageMaker-Custom-Attributes": "trace=1; c", "X-Amzn-SageMaker-Inference-Id": "id-7"}
    others = {
        "X-Amzn-SageMaker-Target-Variant": "v",
        "X-Amzn-SageMaker-Something-New": "s",
        "Authorization": "AWS4 ...",
    }
    answer = client().post(path, content=body(instance), headers=JSON | echoed | others)
    assert {name: answer.headers[name] for name in echoed} == echoed
    assert not {name.lower() for name in others} & set(answer.headers)


@pytest.mark.parametrize(
    ("content", "headers", "status", "text"),
    [
        (b"[", JSON, 400, 'Unable to decode payload; send {"instances": [...]}'),
        (b"", JSON, 400, "Unable to decode payload"),
        (body("a", "bad"), JSON, 400, "record 2, text: 'bad'; send another"),
        (
            body("a"),
            {"Content-Type": "application/octet-stream"},
            415,
            "content-type application/octet-stream not supported",
        ),
        (body("a"), JSON | {"Accept": "text/html"}, 406, "accept text/html not supported; ask for application/json"),
        (body("fail"), JSON, 500, FAILED),
    ],
)
def test_errors_are_one_line_and_botocore_finds_them_in_its_own_shape(content, headers, status, text):
    app = client()
    plain = app.post("/invocations", content=content, headers=headers)
    assert plain.status_code == status
    assert plain.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert text in plain.text
    assert "\n" not in plain.text
    shaped = app.post("/endpoints/words/invocations", content=content, headers=headers)
    assert shaped.status_code == 424
    assert shaped.headers["x-amzn-errortype"] == "ModelError"
    told = shaped.json()
    assert told["OriginalStatusCode"] == status
    assert told["OriginalMessage"] == plain.text
    assert f"({status}) from primary" in told["Message"]


def test_a_failure_is_for_the_log_alone(caplog):
    answer = client().post("/invocations", content=body("fail"), headers=JSON)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "a secret of the server" in caplog.text
    assert "words failed at a request of" in caplog.text


def test_only_post_asks():
    answer = client().get("/invocations")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_until_models_are_open_they_are_asked_to_come_again(tmp_path):
    app = Client(create_app(Models({"words": str(tmp_path)}, open_fake)))
    assert app.post("/invocations", content=body("a"), headers=JSON).status_code == 503
    shaped = app.post("/endpoints/words/invocations", content=body("a"), headers=JSON)
    assert (shaped.status_code, shaped.headers["x-amzn-errortype"]) == (503, "ServiceUnavailable")


def test_six_megabytes_and_not_a_byte_more():
    app = client()
    least = len(body("aa")) - 2
    fits = body("a" * (MOST_BYTES - least))
    assert len(fits) == MOST_BYTES
    assert app.post("/invocations", content=fits, headers=JSON).status_code == 200
    for path in ("/invocations", "/endpoints/words/invocations", "/neighbors"):
        refused = app.post(path, content=fits + b" ", headers=JSON)
        assert refused.status_code == 413
        assert "6,291,457 bytes, and at most 6,291,456 bytes are taken" in refused.text
        assert refused.headers["Connection"] == "close"


def test_what_is_large_is_answered_by_a_thread_and_what_is_small_is_not():
    import threading

    seen = []

    class Watched(Fake):
        def answer(self, body, *, content_type, accept=""):
            seen.append(threading.current_thread().name)
            return super().answer(body, content_type=content_type, accept=accept)

    app = client(words=Watched())
    app.post("/invocations", content=body("a"), headers=JSON)
    assert seen.pop().startswith("answer")  # nothing is known of its pace yet
    for _ in range(20):
        app.post("/invocations", content=body("a"), headers=JSON)
    assert not seen.pop().startswith("answer")
    app.post("/invocations", content=body("a" * 4_000_000), headers=JSON)
    assert seen.pop().startswith("answer")


def test_requests_are_counted():
    app = client()
    for instance in ("a", "a", "bad"):
        app.post("/invocations", content=body(instance), headers=JSON)
    app.post("/models/none/invocations", content=b"")
    told = app.get("/metrics").text
    assert 'embertext_requests_total{model="words",status="200"} 2.0' in told
    assert 'embertext_requests_total{model="words",status="400"} 1.0' in told
    assert 'embertext_requests_total{model="unknown",status="404"} 1.0' in told
    assert f'embertext_received_bytes_total{{model="words"}} {2 * len(body("a")) + len(body("bad"))}.0' in told
    assert 'embertext_requests_in_flight{model="words"} 0.0' in told
    assert json.loads(body("a"))["instances"] == ["a"]
