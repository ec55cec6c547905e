"""Topics that answer: `open` a folder with the model, send documents as counts of words, get their mixtures of topics.

    application/json        {"instances": [document, ...]}  ->  {"predictions": [{"topic_weights": [...]}, ...]}
    application/jsonlines   a document                       ->  {"topic_weights": [...]}
    text/csv                counts of all words, a document a line
    application/x-recordio-protobuf    a Record, dense or sparse  ->  a Record with label["topic_weights"]

A document in JSON is {"features": [counts of all words]}, {"data": {"features": {"values": [...]}}}, or, of some words
alone, {"data": {"features": {"keys": [columns], "shape": [V], "values": [counts]}}}; and, beyond SageMaker's, a text:
{"text": "..."}. Answers are of the type that Accept asks for; else of the request's, and JSON for CSV.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from algorithms import codecs
from algorithms.answers import CSV, JSON, JSON_LINES, RECORDIO, Answer, Answers, Neighbour, Neighbours, RequestError
from algorithms.codecs import Wrong, shown
from algorithms.model import load_state
from algorithms.nearest import WAYS, Nearest, among, check, finite
from algorithms.state import State
from algorithms.topics.algorithm import Topics
from algorithms.topics.mixtures import Counts, Floats, Mixtures
from algorithms.topics.texts import Texts
from data import recordio, storage
from data.errors import CorpusError, EmbertextError
from data.record import Record, Tensor, encode

FORM, STATE, VOCABULARY, TOPICS_TEXT, MANIFEST = (
    "algorithm.json", "state.safetensors", "vocab.txt", "topics.txt", "manifest.json",
)  # fmt: skip
OUTPUTS = (JSON, JSON_LINES, RECORDIO)
NAME = "topic_weights"
LARGEST = float(np.finfo(np.float32).max)


class Document(NamedTuple):
    """Counts, and what RecordIO is to give back."""

    counts: Counts
    uid: str | None = None
    metadata: str | None = None


class Mixture(NamedTuple):
    """Of each topic a share, (K,), which sum to 1."""

    weights: Floats
    uid: str | None = None
    metadata: str | None = None


def open(folder: Path) -> "Mixer":  # noqa: A001 - answers.open(folder)
    """The model in a local folder, whose files may be deleted then. Raises EmbertextError where there is none."""
    form, state = Topics(**storage.read_json(str(folder / FORM))), load_state(folder / STATE)
    words = _lines(folder / VOCABULARY)
    counting = storage.read_json(str(folder / MANIFEST)).get("counting") if (folder / MANIFEST).exists() else None
    topics = [line.split() for line in _lines(folder / TOPICS_TEXT)]
    if words and len(words) != len(state["encoder_0"]):
        what = f"{VOCABULARY} has {len(words)} words, the model {len(state['encoder_0'])}"
        raise EmbertextError(what, where=VOCABULARY, remedy="give the files of one training")
    return Mixer(form, state, words=words, topics=topics, texts=_texts(words, counting))


class Mixer:
    """Answers of topics. words: of the columns, or none; topics: the words most typical of each."""

    algorithm = "topics"
    content_types = (JSON, JSON_LINES, CSV, RECORDIO)

    def __init__(
        self, form: Topics, state: State, *, words: Sequence[str], topics: Sequence[Sequence[str]], texts: Texts | None
    ) -> None:
        self._mixtures, self._words, self._topics, self._texts = Mixtures(form, state), words, topics, texts
        self._vectors = _word_vectors(state)
        self._mixtures.of([Counts(np.zeros(1, np.int64), np.ones(1, np.float32))])  # arrays that do not fit fail here

    def about(self) -> dict[str, Any]:
        """See `answers.Answers`."""
        size = self._mixtures.words
        sparse = {"data": {"features": {"keys": [0, size - 1], "shape": [size], "values": [1, 2]}}}
        ways = [*(WAYS if self._words else ()), "documents"]
        return {
            "algorithm": self.algorithm,
            "vocabulary_size": size,
            "topics_count": self._mixtures.topics,
            "topics": [list(words[:10]) for words in self._topics],
            "texts": self._texts is not None,
            "neighbours": ways if self._texts else ways[:-1],
            "example": {"instances": [{"text": "a document"} if self._texts else sparse]},
        }

    def answer(self, body: bytes, *, content_type: str, accept: str = "") -> Answer:
        """See `answers.Answers`."""
        kind, _ = codecs.media_type(content_type, self.content_types)
        kind = codecs.accepted(accept, JSON if kind == CSV else kind, OUTPUTS)
        return self.encode(self.predict(self.decode(body, content_type=content_type)), accept=kind)

    def decode(self, body: bytes, *, content_type: str) -> list[Document]:
        """The documents."""
        kind, parameters = codecs.media_type(content_type, self.content_types)
        if kind == CSV:
            return codecs.read_rows(body, parameters).instances(partial(self._dense, field=""))
        if kind == RECORDIO:
            return codecs.read_records(body).instances(self._record)
        records = codecs.read_json(body)[0] if kind == JSON else codecs.read_lines(body)
        return records.instances(self._document)

    def predict(self, instances: Sequence[Document]) -> list[Mixture]:
        """Their mixtures."""
        found = self._mixtures.of([document.counts for document in instances])
        return [
            Mixture(weights, document.uid, document.metadata)
            for weights, document in zip(found, instances, strict=True)
        ]

    def encode(self, predictions: Sequence[Mixture], *, accept: str = "") -> Answer:
        """See `answers.Answers`."""
        kind = codecs.accepted(accept, JSON, OUTPUTS)
        if kind == RECORDIO:
            return Answer(b"".join([recordio.frame(_encoded(mixture)) for mixture in predictions]), RECORDIO)
        return codecs.predictions([{NAME: mixture.weights} for mixture in predictions], kind)

    def neighbours(
        self,
        *,
        words: Sequence[str] = (),
        vector: Sequence[float] = (),
        positive: Sequence[str] = (),
        negative: Sequence[str] = (),
        documents: Sequence[str] = (),
        k: int = 10,
    ) -> list[list[Neighbour]]:
        """See `answers.Neighbours`. Words are near that the topics weigh alike, documents of like mixtures."""
        if documents:
            check(k, documents=documents, words=words, vector=vector, positive=positive or negative)
            records = codecs.Records([{"text": text} for text in documents])
            return among(self._mixtures.of([each.counts for each in records.instances(self._document)]), k)
        if not self._words:
            raise RequestError("this model has numbers for words, and no words", where="words", remedy="ask for topics")
        return self._nearest.neighbours(words=words, vector=vector, positive=positive, negative=negative, k=k)

    @cached_property
    def _nearest(self) -> Nearest:
        return Nearest(self._words, lambda: self._vectors, self._find)

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {word: column for column, word in enumerate(self._words)}

    def _find(self, word: str) -> tuple[int, Floats] | None:
        column = self._columns.get(word)
        return None if column is None else (column, self._vectors[column])

    # From records to counts -------------------------------------------------------------------------------------------

    def _document(self, item: Any) -> Document:
        """The document of a JSON record, in one of its forms."""
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
            return self._dense(features, field)
        if type(features) is not dict or "values" not in features:
            raise Wrong("there are no features", field="" if features is None else field, remedy=self._remedy)
        if features.get("keys") is None:
            return self._dense(features["values"], f"{field}.values")
        return self._sparse(features["keys"], features.get("shape"), features["values"], field)

    def _text(self, text: Any) -> Document:
        if self._texts is None:
            raise Wrong("this model was trained on counts, not on texts", field="text", remedy=self._remedy)
        if type(text) is not str:
            raise Wrong(f"{shown(text)}, expected a text", field="text", remedy='send {"text": "a document"}')
        return Document(self._texts.count(text))

    def _record(self, record: Record) -> Document:
        """The document of a Record."""
        field = "features['values']"
        tensor = record.features.get("values")
        if not isinstance(tensor, Tensor):
            raise Wrong("there are no numbers", field=field, remedy="write counts as SageMaker's RecordSerializer does")
        if len(tensor.keys) or (tensor.shape and not len(tensor.values)):
            made = self._sparse(tensor.keys, list(tensor.shape), tensor.values, field)
        else:
            made = self._dense(tensor.values, field)
        return Document(made.counts, record.uid, record.metadata)

    def _dense(self, values: Any, field: str) -> Document:
        counts = self._counts(values, field)
        if len(counts) != self._mixtures.words:
            what = f"{len(counts):,} numbers, the model has {self._mixtures.words:,} words"
            raise Wrong(what, field=field, remedy="send a count for each, or those of some words with their keys")
        columns = np.flatnonzero(counts)
        return Document(Counts(columns, counts[columns]))

    def _sparse(self, keys: Any, shape: Any, values: Any, field: str) -> Document:
        size = self._mixtures.words
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
        return f'send {{"features": [...]}} with {self._mixtures.words:,} counts' + (
            ', or {"text": "a document"}' if self._texts else ""
        )


def _encoded(mixture: Mixture) -> bytes:
    return encode(Record({}, {NAME: Tensor(mixture.weights)}, mixture.uid, mixture.metadata))


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


def _texts(words: Sequence[str], counting: Mapping[str, Any] | None) -> Texts | None:
    """What counts texts; None where nobody knows how, or the data for it is not at hand."""
    if not words or counting is None:
        return None
    try:
        return Texts(words, counting)
    except CorpusError:
        return None


def _word_vectors(state: State) -> NDArray[Any]:
    """What the topics weigh each word, (V, K); of etm, whose words have vectors, these."""
    if "decoder" in state:
        return state["decoder"].T
    if "vectors" not in state:
        return state["words"]
    vectors = state["vectors"].copy()
    if "words" in state:
        vectors[state["unknown"]] = state["words"]
    return vectors


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").removesuffix("\n").split("\n") if path.exists() else []


def _conforms(mixer: Mixer) -> tuple[Answers, Neighbours]:
    return mixer, mixer
