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
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from algorithms import codecs
from algorithms.answers import CSV, JSON, JSON_LINES, RECORDIO, Answer, Answers, Neighbour, Neighbours, RequestError
from algorithms.model import load_state
from algorithms.nearest import WAYS, Nearest, among, check
from algorithms.negotiation import accepted, media_type
from algorithms.state import State
from algorithms.topics.algorithm import Topics
from algorithms.topics.mixtures import Counts, Floats, Mixtures
from algorithms.topics.received import Document, Receiver
from algorithms.topics.texts import Texts
from data import recordio, storage
from data.errors import CorpusError, EmbertextError
from data.record import Record, Tensor, encode

FORM, STATE, VOCABULARY, TOPICS_TEXT, MANIFEST = (
    "algorithm.json", "state.safetensors", "vocab.txt", "topics.txt", "manifest.json",
)  # fmt: skip
OUTPUTS = (JSON, JSON_LINES, RECORDIO)
NAME = "topic_weights"


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
        self._receiver = Receiver(self._mixtures.words, texts)
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
        kind, _ = media_type(content_type, self.content_types)
        kind = accepted(accept, JSON if kind == CSV else kind, OUTPUTS)
        return self.encode(self.predict(self.decode(body, content_type=content_type)), accept=kind)

    def decode(self, body: bytes, *, content_type: str) -> list[Document]:
        """The documents."""
        kind, parameters = media_type(content_type, self.content_types)
        return self._receiver.decode(body, kind, parameters)

    def predict(self, instances: Sequence[Document]) -> list[Mixture]:
        """Their mixtures."""
        found = self._mixtures.of([document.counts for document in instances])
        return [
            Mixture(weights, document.uid, document.metadata)
            for weights, document in zip(found, instances, strict=True)
        ]

    def encode(self, predictions: Sequence[Mixture], *, accept: str = "") -> Answer:
        """See `answers.Answers`."""
        kind = accepted(accept, JSON, OUTPUTS)
        if kind == RECORDIO:
            return Answer(b"".join([recordio.frame(self._encoded(mixture)) for mixture in predictions]), RECORDIO)
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
            found = codecs.Records([{"text": text} for text in documents]).instances(self._receiver.document)
            return among(self._mixtures.of([each.counts for each in found]), k)
        if not self._words:
            raise RequestError("this model has numbers for words, and no words", where="words", remedy="ask for topics")
        return self._nearest.neighbours(words=words, vector=vector, positive=positive, negative=negative, k=k)

    def _encoded(self, mixture: Mixture) -> bytes:
        """A mixture of nobody in particular is what all have in common, then its numbers."""
        if mixture.uid is None and mixture.metadata is None:
            return self._start + mixture.weights.tobytes()
        return encode(Record({}, {NAME: Tensor(mixture.weights)}, mixture.uid, mixture.metadata))

    @cached_property
    def _start(self) -> bytes:
        zeros = np.zeros(self._mixtures.topics, np.float32)
        return encode(Record({}, {NAME: Tensor(zeros)}))[: -zeros.nbytes]

    @cached_property
    def _nearest(self) -> Nearest:
        return Nearest(self._words, lambda: self._vectors, self._find)

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {word: column for column, word in enumerate(self._words)}

    def _find(self, word: str) -> tuple[int, Floats] | None:
        column = self._columns.get(word)
        return None if column is None else (column, self._vectors[column])


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
