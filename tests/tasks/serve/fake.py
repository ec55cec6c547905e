"""A model that needs no training: it says back what it is told, and greets as its file says.

Some instances ask for more: "sleep 0.5" takes that long, "fail" fails, "bad" is a bad record.
"""

import json
import time
from pathlib import Path

import orjson

from algorithms.answers import JSON, JSON_LINES, Answer, Neighbour, RequestError
from data import storage
from data.errors import StorageError


class Fake:
    algorithm = "fake"
    content_types = (JSON, JSON_LINES)

    def __init__(self, greeting="hello"):
        self.greeting = greeting

    def about(self):
        return {"algorithm": self.algorithm, "greeting": self.greeting, "example": {"instances": ["a"]}}

    def answer(self, body, *, content_type, accept=""):
        if content_type.split(";")[0] not in ("", *self.content_types):
            raise RequestError(f"content-type {content_type} not supported", status=415, remedy=f"send {JSON}")
        if accept == "text/html":
            raise RequestError("accept text/html not supported", status=406, remedy=f"ask for {JSON}")
        return self.encode(self.predict(self.decode(body, content_type=content_type)))

    def decode(self, body, *, content_type):
        try:
            instances = orjson.loads(body)["instances"]
        except (orjson.JSONDecodeError, KeyError):
            raise RequestError("Unable to decode payload", remedy='send {"instances": [...]}') from None
        for record, instance in enumerate(instances):
            if instance == "bad":
                raise RequestError("'bad'", record=record, field="text", remedy="send another")
        return instances

    def predict(self, instances):
        for instance in instances:
            if str(instance).startswith("sleep "):
                time.sleep(float(instance.split()[1]))
            if instance == "fail":
                raise RuntimeError("a secret of the server")
        return [f"{self.greeting} {instance}" for instance in instances]

    def encode(self, predictions, *, accept=""):
        return Answer(orjson.dumps(predictions), JSON)

    def neighbours(self, *, words=(), vector=(), positive=(), negative=(), documents=(), k=10):
        if "unknown" in words:
            raise RequestError('"unknown" is not in the vocabulary', where="words[0]", remedy="ask for another")
        near = [Neighbour(f"near {place}", 1 - place / 10) for place in range(k)]
        return [near for _ in [*words, *documents]] or [near]


class Mute(Fake):
    """Knows of no neighbours."""

    algorithm = "mute"
    neighbours = None

    def __getattribute__(self, name):
        if name == "neighbours":
            raise AttributeError(name)
        return super().__getattribute__(name)


def publish(folder: Path, greeting: str, *, algorithm="fake", created="2026-01-01T00:00:00+00:00") -> str:
    """A published folder of a fake model; its manifest comes last."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.tar.gz").write_text(greeting)
    manifest = {"algorithm": algorithm, "created": created, "files": {"model.tar.gz": {}}, "greeting": greeting}
    storage.write_json(str(folder / "manifest.json"), manifest)
    return str(folder)


def open_fake(url: str) -> Fake:
    """The model of a published folder, or of its archive."""
    path = Path(url)
    greeting = (path / "model.tar.gz" if path.is_dir() else path).read_text()
    if greeting == "broken":
        raise StorageError("the archive is damaged", where=url, remedy="publish it again")
    return Fake(greeting)


def body(*instances) -> bytes:
    return json.dumps({"instances": list(instances)}).encode()
