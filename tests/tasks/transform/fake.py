"""A model that answers with what it is asked, of every content type; it knows one mistake: a record that says so."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from algorithms import codecs
from algorithms.answers import CSV, JSON, JSON_LINES, RECORDIO, Answer, Answers
from algorithms.codecs import Records, Wrong
from algorithms.negotiation import media_type
from data import record, recordio
from data.record import Record, Tensor

BAD = "bad"


class Echo:
    algorithm = "echo"
    content_types = (JSON, JSON_LINES, CSV, RECORDIO)

    def __init__(self) -> None:
        self.decoded = 0  # bytes
        self.asked: list[int] = []  # records, each time

    def about(self) -> dict[str, Any]:
        return {}

    def answer(self, body: bytes, *, content_type: str, accept: str = "") -> Answer:
        return self.encode(self.predict(self.decode(body, content_type=content_type)), accept=accept)

    def decode(self, body: bytes, *, content_type: str) -> list[Any]:
        self.decoded += len(body)
        kind, parameters = media_type(content_type, self.content_types)
        return self._records(body, kind, parameters).instances(_made)

    def _records(self, body: bytes, kind: str, parameters: dict[str, str]) -> Records:
        if kind == JSON:
            return codecs.read_json(body)[0]
        if kind == CSV:
            return codecs.read_rows(body, parameters)
        return codecs.read_lines(body) if kind == JSON_LINES else codecs.read_records(body)

    def predict(self, instances: Sequence[Any]) -> list[Any]:
        self.asked.append(len(instances))
        return list(instances)

    def encode(self, predictions: Sequence[Any], *, accept: str = "") -> Answer:
        if accept == RECORDIO:
            frames = [
                recordio.frame(record.encode(Record(label={"y": Tensor(np.float32([each]))}))) for each in predictions
            ]
            return Answer(b"".join(frames), RECORDIO)
        if accept == JSON_LINES:
            return codecs.lines(map(orjson.dumps, predictions))
        return Answer(orjson.dumps({"predictions": list(predictions)}), JSON)


def row(number: float) -> bytes:
    return recordio.frame(record.encode(Record(features={"values": Tensor(np.float32([number]))})))


def labels(data: bytes) -> list[float | str]:
    """What records answer, or their error."""
    found: list[float | str] = []
    for _, payload in recordio.scan(data, path=""):
        read = record.decode(payload)
        tensor = read.label.get("y")
        found.append(float(tensor.values[0]) if isinstance(tensor, Tensor) else orjson.loads(read.metadata)["error"])
    return found


def _made(item: Any) -> Any:
    if isinstance(item, Record):
        tensor = item.features["values"]
        assert isinstance(tensor, Tensor)
        item = float(tensor.values[0])
    if item in (BAD, [-1]) or item == {"source": BAD}:
        raise Wrong("it is bad", field="source", remedy="make it good")
    return item


def _conforms(echo: Echo) -> Answers:
    return echo
