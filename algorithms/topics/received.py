"""Documents as they are received: the forms that SageMaker's NTM takes, and texts, as counts of words.

V words of the model. What is wrong with a record is told by its field.
"""

from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algorithms import codecs, records
from algorithms.answers import CSV, JSON, RECORDIO
from algorithms.codecs import Wrong, shown
from algorithms.nearest import finite
from algorithms.topics.mixtures import Counts, Floats
from algorithms.topics.texts import Texts
from data.errors import FormatError
from data.record import Record, Tensor

LARGEST = float(np.finfo(np.float32).max)


class Document(NamedTuple):
    """Counts, and what RecordIO is to give back."""

    counts: Counts
    uid: str | None = None
    metadata: str | None = None


class Receiver:
    """Makes documents of records. words: V; texts: what counts those, where they can be counted."""

    def __init__(self, words: int, texts: Texts | None) -> None:
        self.words, self._texts = words, texts

    def decode(self, body: bytes, kind: str, parameters: dict[str, str]) -> list[Document]:
        """The documents of a body. Raises RequestError."""
        if kind == CSV:
            return codecs.read_rows(body, parameters).instances(partial(self.dense, field=""))
        if kind == RECORDIO:
            return self._rows(body) or codecs.read_records(body).instances(self.record)
        found = codecs.read_json(body)[0] if kind == JSON else codecs.read_lines(body)
        return found.instances(self.document)

    def _rows(self, body: bytes) -> list[Document]:
        """The documents of RecordIO as the SDK writes it, by a kernel; none where that does not do, or any is wrong."""
        if not codecs.are_rows(body):
            return []
        try:
            rows: Any = records.read_matrix(body, path="body").features
        except FormatError:
            return []
        is_sparse = sparse.issparse(rows)
        values = finite((rows.data if is_sparse else rows).reshape(-1))
        if rows.shape[1] != self.words or values is None or values.min(initial=0) < 0:
            return []
        if is_sparse:
            spans = pairwise(rows.indptr.tolist())
            return [Document(Counts(rows.indices[first:last], values[first:last])) for first, last in spans]
        dense = values.reshape(rows.shape)
        return [Document(Counts(found, row[found])) for row in dense for found in [np.flatnonzero(row)]]

    def document(self, item: Any) -> Document:
        """The document of a JSON record, in one of its forms. Raises Wrong."""
        if type(item) is not dict:
            raise Wrong(f"{shown(item)}, expected an object", remedy=self._remedy)
        if "text" in item:
            return self._text(item["text"])
        features, field = item.get("features"), "features"
        if "data" in item:
            data, field = item["data"], "data.features"
            features = data.get("features") if type(data) is dict else None
            if type(features) is not dict:
                raise Wrong(f"{shown(features)}, expected an object with values", field=field, remedy=self._remedy)
        if type(features) is list:
            return self.dense(features, field)
        if type(features) is not dict or "values" not in features:
            raise Wrong("there are no features", field="" if features is None else field, remedy=self._remedy)
        if features.get("keys") is None:
            return self.dense(features["values"], f"{field}.values")
        return self._sparse(features["keys"], features.get("shape"), features["values"], field)

    def _text(self, text: Any) -> Document:
        if self._texts is None:
            raise Wrong("this model was trained on counts, not on texts", field="text", remedy=self._remedy)
        if type(text) is not str:
            raise Wrong(f"{shown(text)}, expected a text", field="text", remedy='send {"text": "a document"}')
        return Document(self._texts.count(text))

    def record(self, record: Record) -> Document:
        """The document of a Record. Raises Wrong."""
        field = "features['values']"
        tensor = record.features.get("values")
        if not isinstance(tensor, Tensor):
            raise Wrong("there are no numbers", field=field, remedy="write counts as SageMaker's RecordSerializer does")
        if len(tensor.keys) or (tensor.shape and not len(tensor.values)):
            made = self._sparse(tensor.keys, list(tensor.shape), tensor.values, field)
        else:
            made = self.dense(tensor.values, field)
        return Document(made.counts, record.uid, record.metadata)

    def dense(self, values: Any, field: str) -> Document:
        """The document that counts of all words make. Raises Wrong."""
        counts = self._counts(values, field)
        if len(counts) != self.words:
            what = f"{len(counts):,} numbers, the model has {self.words:,} words"
            raise Wrong(what, field=field, remedy="send a count for each, or those of some words with their keys")
        columns = np.flatnonzero(counts)
        return Document(Counts(columns, counts[columns]))

    def _sparse(self, keys: Any, shape: Any, values: Any, field: str) -> Document:
        size = self.words
        if shape not in ([size], [1, size]):
            remedy = f"send [{size}], the words of the model"
            raise Wrong(f"{shape if type(shape) is list else shown(shape)}"[:80], field=f"{field}.shape", remedy=remedy)
        counts = self._counts(values, f"{field}.values")
        columns = _integers(keys)
        if columns is None:
            raise Wrong("no list of integers", field=f"{field}.keys", remedy=f"send columns from 0 to {size - 1}")
        if len(columns) != len(counts):
            what = f"{len(columns)} keys for {len(counts)} values"
            raise Wrong(what, field=f"{field}.keys", remedy="send a key for each value")
        ends = (
            (min(keys), max(keys)) if type(keys) is list and keys else (columns.min(initial=0), columns.max(initial=0))
        )
        if not (ends[0] >= 0 and ends[1] < size):
            wrong = next(key for key in keys if not 0 <= key < size)
            what = f"key {wrong} is not one of the model's {size:,} words"
            raise Wrong(what, field=f"{field}.keys", remedy=f"send columns from 0 to {size - 1}")
        return Document(Counts(columns.astype(np.int64, copy=False), counts))

    def _counts(self, values: Any, field: str) -> Floats:
        # what numpy does to forty numbers takes longer than what Python does
        counts = (np.array(values, np.float32) if _plain(values) else None) if type(values) is list else finite(values)
        if counts is None or (type(values) is not list and counts.size and counts.min() < 0):
            raise Wrong("no list of counts", field=field, remedy="send finite numbers, 0 or more")
        return counts

    @property
    def _remedy(self) -> str:
        return f'send {{"features": [...]}} with {self.words:,} counts' + (
            ', or {"text": "a document"}' if self._texts else ""
        )


def _plain(values: list[Any]) -> bool:
    """Whether values of JSON are counts."""
    try:
        return not values or (min(values) >= 0 and max(values) <= LARGEST)
    except TypeError:
        return False


def _integers(values: Any) -> NDArray[Any] | None:
    """A list of integers; None where it is none."""
    try:
        found = np.array(values)
    except ValueError:
        return None
    return found if found.ndim == 1 and (found.dtype.kind in "iu" or not len(found)) else None
