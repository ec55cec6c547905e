"""A slice of a file answered by a model: what a worker does. It knows the model as `Answers`, and no algorithm.

The answers of a slice become a file in one step, as do its errors; what was done is written last. So a worker that is
killed leaves nothing that counts, and two that do the same work leave the same bytes.
"""

import gc
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

import orjson
from pydantic import BaseModel

from algorithms.answers import JSON, Answers, Prediction, RequestError
from data import storage
from tasks import stages
from tasks.transform import formats
from tasks.transform.formats import Format
from tasks.transform.places import UNFINISHED, deliver, errors_of, scratch_folder
from tasks.transform.slices import Reader, Slice, whole

MOST_RECORDS = 10_000  # in a batch: answers of more take memory and no less time
SHOWN = 200  # characters of a bad record that are told

Load = Callable[[str], Answers]
"""Opens the model at a URL; a function of a module, so that a worker finds it by its name."""

Wanted = Callable[[], bool]
"""Whether anybody still waits for the work."""


class Model(NamedTuple):
    """fingerprint: of its content."""

    url: str
    fingerprint: str
    load: Load


class How(NamedTuple):
    """What is the same for all slices. output: the folder's URL; most_records, most_bytes: of a batch.

    max_errors: bad records after which a slice is given up; -1 for any number.
    """

    output: str
    accept: str
    most_records: int
    most_bytes: int
    max_errors: int


class Work(NamedTuple):
    """A slice to answer. target: the URL of its answers."""

    slice: Slice
    content_type: str
    target: str


class Fact(BaseModel, frozen=True):
    """What came of a slice. places: the lines, or records, that it has; rows: answers; bytes: of the answers.

    whole: not given up, as that of one that had too many errors is.
    """

    key: str
    places: int
    rows: int
    errors: int
    bytes: int
    seconds: float
    whole: bool = True


def always() -> bool:
    """Nobody ever stops waiting."""
    return True


def answer(work: Sequence[Work], *, model: Model, how: How, wanted: Wanted = always) -> list[Fact]:
    """Answer some slices and write down what was done, as one. wanted: whether anybody still waits for it.

    Raises EmbertextError where a file cannot be read, or the model reads no such type.
    """
    answers = _opened(model)
    facts = [_slice(each, answers, how, wanted) for each in work]
    done = [fact.model_dump(mode="json") for fact in facts if fact.whole]
    name = stages.digest({"slices": [each.slice.key for each in work]})
    storage.write_json(storage.join(how.output, UNFINISHED, f"{name}.json"), done)
    return facts


_models: dict[tuple[str, str], Answers] = {}
_opening = threading.Lock()


def _opened(model: Model) -> Answers:
    """The model, which a process opens once."""
    with _opening:
        key = (model.url, model.fingerprint)
        if key not in _models:
            _models.clear()
            _models[key] = model.load(model.url)
            gc.freeze()  # or the collector would go through all there is for every few batches of records
        return _models[key]


def forget() -> None:
    """Let go of the model."""
    _models.clear()
    gc.unfreeze()


def _slice(work: Work, model: Answers, how: How, wanted: Wanted) -> Fact:
    start = time.perf_counter()
    form = formats.format_of(work.content_type, how.accept)
    with scratch_folder(how.output) as scratch:
        answers, errors = scratch / "answers", scratch / "errors"
        with answers.open("wb") as good, errors.open("wb") as bad:
            writer = _Writer(good, bad, form, how.max_errors, wanted)
            if form.split == "whole":
                records, body = formats.split(whole(work.slice.url))
                writer.form, places = form._replace(body=body), len(records)
                if form.answered == JSON:
                    writer.document(model, records)
                else:
                    writer.batch(model, range(1, places + 1), records)
            else:
                reader = Reader(work.slice, form, most_records=how.most_records, most_bytes=how.most_bytes)
                for batch in reader:
                    writer.batch(model, batch.places, batch.records)
                    if writer.over:
                        break
                places = reader.places
        size = answers.stat().st_size
        if writer.errors:
            deliver(errors, errors_of(how.output, work.slice.key))
        if not writer.over:
            deliver(answers, work.target)
    return Fact(
        key=work.slice.key,
        places=places,
        rows=writer.rows,
        errors=writer.errors,
        bytes=size,
        seconds=time.perf_counter() - start,
        whole=not writer.over,
    )


class _Writer:
    """Answers to the one file, errors to the other. `over`: there were too many errors, or nobody waits any more."""

    def __init__(self, good: BinaryIO, bad: BinaryIO, form: Format, max_errors: int, wanted: Wanted) -> None:
        self.good, self.bad, self.form, self.max_errors, self.wanted = good, bad, form, max_errors, wanted
        self.rows = self.errors = 0
        self.over = False

    def batch(self, model: Answers, places: Sequence[int], records: Sequence[bytes]) -> None:
        """The answers to a batch, in order; an error in the place of a record that has none."""
        done = 0
        for found in outcomes(model, records, self.form.asked, self.form.body):
            if isinstance(found, RequestError):
                self._refuse(found, places[done], records[done])
                self.good.write(formats.in_place_of(found.what, self.form.answered))
                done += 1
                if self.over:
                    return
            else:
                self.good.write(model.encode(found, accept=self.form.answered).body)
                self.rows += len(found)
                done += len(found)
        self.over = not self.wanted()

    def document(self, model: Answers, records: Sequence[bytes]) -> None:
        """The answer to the instances of a JSON body, as another; there the bad ones have no place."""
        predictions: list[Prediction] = []
        for found in outcomes(model, records, self.form.asked, self.form.body):
            if isinstance(found, RequestError):
                place = len(predictions) + self.errors
                self._refuse(found, place + 1, records[place])
                if self.over:
                    return
            else:
                predictions += found
        self.rows = len(predictions)
        self.good.write(model.encode(predictions, accept=self.form.answered).body)

    def _refuse(self, error: RequestError, place: int, record: bytes) -> None:
        self.errors += 1
        told = {"place": place, "reason": error.what, "field": error.field, "remedy": error.remedy}
        if self.form.split != "records":
            text = record.decode(errors="replace")
            told["content"] = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
        self.bad.write(orjson.dumps({name: value for name, value in told.items() if value != ""}) + b"\n")
        self.over = 0 <= self.max_errors < self.errors


def outcomes(
    model: Answers, records: Sequence[bytes], content_type: str, body: Callable[[Sequence[bytes]], bytes]
) -> Iterator[list[Prediction] | RequestError]:
    """Predictions of some records, or what is wrong with one, until all have had their turn; in order.

    A request says one fault at a time. So the good records before it are asked again, the bad one is told, and what is
    behind it is asked in portions that grow while all goes well: few bad records cost little, and many not the square.

    Raises RequestError that is about no record, such as a content type that the model does not read.
    """
    position, size = 0, len(records)
    while position < len(records):
        portion = records[position : position + size]
        try:
            instances = model.decode(body(portion), content_type=content_type)
        except RequestError as error:
            if error.status != 400:
                raise
            if error.record and len(portion) > 1:
                size = error.record
            elif error.record is None and len(portion) > 1:
                size = len(portion) // 2
            else:
                yield error
                position += 1
                size = max(1, size // 2)
            continue
        assert len(instances) == len(portion), (len(instances), len(portion))
        yield model.predict(instances)
        position += len(portion)
        size = 2 * len(portion)
