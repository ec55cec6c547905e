"""The benchmark of hosting, on servers that only pretend, and its plain handlers beside our own answers."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from benchmarks import endpoint, endpoint_answers
from benchmarks.endpoint_answers import OURS, PEER, Row
from benchmarks.endpoint_process import memory_floors
from benchmarks.load import Load, ask, length, load, request


@contextmanager
def server(answers: dict[bytes, tuple[int, bytes]]) -> Iterator[int]:
    """Answers with what stands there for a body; in two pieces."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status, body = answers[self.rfile.read(int(self.headers["content-length"]))]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.wfile.write(body[len(body) // 2 :])

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        found.daemon_threads = True
        Thread(target=found.serve_forever, args=(0.01,), daemon=True).start()
        yield found.server_address[1]
        found.shutdown()


def test_a_load_asks_so_often_and_counts_what_is_wrong() -> None:
    answers = {b"a": (200, b"A" * 5000), b"b": (200, b"B"), b"c": (500, b"")}
    requests = [request("/invocations", body) for body in answers]
    with server(answers) as port:
        found = load(port, requests, clients=2, most=30, right=lambda number, answer: number != 1 or b"x" in answer)
        assert list(ask(port, requests[:2])) == [b"A" * 5000, b"B"]
        with pytest.raises(ConnectionError, match="500"):
            list(ask(port, requests))
    assert len(found.latencies) == 30
    assert found.errors == 20
    assert found.rate == pytest.approx(30 / found.seconds)


def test_a_load_ends_with_its_time() -> None:
    with server({b"a": (200, b"A")}) as port:
        found = load(port, [request("/", b"a")], clients=3, seconds=0.05)
    assert 0.05 <= found.seconds < 5
    assert not found.errors


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nContent-Length: 12", b"HTTP/1.1 200 OK\r\ncontent-length:12\r\na: b"]
)
def test_length(head: bytes) -> None:
    assert length(head) == 12


@pytest.mark.parametrize(
    ("mine", "theirs", "agree"),
    [
        ([{"vector": [0.1, 2], "word": "a"}], [{"word": "a", "vector": [0.10000001, 2]}], True),
        ([{"vector": [0.1]}], [{"vector": [0.11]}], False),
        ([1.0], [1.0, 2.0], False),
        ({"label": ["a"]}, {"label": ["b"]}, False),
        ({"label": ["a"]}, {"labels": ["a"]}, False),
    ],
)
def test_answers_agree_up_to_rounding(mine: Any, theirs: Any, agree: bool) -> None:
    assert endpoint_answers.same(mine, theirs) is agree


def row(algorithm: str, ours: list[float], theirs: list[float], errors: int = 0) -> Row:
    def loads(rates: list[float]) -> list[Load]:
        return [Load(1.0, [0.001] * int(rate), errors) for rate in rates]

    return Row("case", algorithm, 8, {OURS: loads(ours), PEER: loads(theirs)}, {OURS: 0.1, PEER: 0.2})


def test_floors_are_of_rounds_side_by_side() -> None:
    words, pairs, right = endpoint_answers.floors(
        [row("word2vec", [100, 30, 200], [50, 20, 10]), row("object2vec", [9, 10, 20], [10, 10, 10])]
    )
    assert (words.value, words.least, pairs.value, pairs.least) == (2, 2, 1, 1)
    assert right.holds
    assert not endpoint_answers.floors([row("topics", [1], [1], errors=1)])[-1].holds


def test_figures_of_a_row() -> None:
    found = row("topics", [100, 300, 200], [10, 10, 10]).figures(OURS)
    assert found["rate"] == 200
    assert found["p50"] == pytest.approx(1)
    assert found["computed"] == pytest.approx(1e6 * 0.1 / 600)


def test_memory_has_to_stay() -> None:
    found = {"after_a_tenth": 100.0, "after_all": 101.0, "errors": 0, "requests": 10}
    assert all(floor.holds for floor in memory_floors(found))
    assert [floor.holds for floor in memory_floors(found | {"after_all": 110.0, "errors": 1})] == [
        False,
        False,
    ]


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("EMBERTEXT_DATA"), reason="EMBERTEXT_DATA is not set")
def test_quickly_against_the_plain_handlers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of it, with small models: answers agree, nothing fails, the last line is JSON."""
    pytest.importorskip("fasttext")
    monkeypatch.setattr(sys, "argv", ["endpoint", "--quick", "--json"])
    endpoint.main()
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["benchmark"] == "endpoint"
    assert len(last["answers"]) == 15
    assert not last["memory"]["errors"]
    assert list(last["transform"]) == ["text_classification", "word2vec"]
