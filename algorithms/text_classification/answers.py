"""Classifiers that answer: `open` a folder with a fastText model, ours, BlazingText's or fastText's own.

    application/json        {"instances": ["a sentence", ...], "configuration": {"k": 2}}
                        ->  [{"prob": [0.9, 0.1], "label": ["__label__a", "__label__b"]}, ...]
    application/jsonlines   {"source": "a sentence", "k": 2}  ->  {"prob": [...], "label": [...]}

k, 1 where it is left out, is how many labels are told, the likeliest first; there are fewer where the model has fewer.
Sentences are tokenised as the training text was: tokens with spaces between them. An answer has the type of its
request, whatever Accept says, as BlazingText's. Everything is computed on the thread that asks.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from algorithms import codecs
from algorithms.answers import JSON, JSON_LINES, Answer, Answers
from algorithms.codecs import Wrong, printable, shown
from algorithms.negotiation import accepted, media_type
from algorithms.text_classification.classifier import Classifier
from data.errors import EmbertextError
from data.fasttext import Model, read_model

MODELS = ("model.bin", "model.ftz")
MOST = 1 << 20  # labels that can be asked for: more than any model has
_K = "choose how many labels to tell, 1 or more"


class Sentence(NamedTuple):
    """Tokens with spaces between them, and how many labels are asked for."""

    text: str
    k: int = 1


def open(folder: Path) -> "Labeller":  # noqa: A001 - answers.open(folder)
    """The model in a local folder, whose files may be deleted then. Raises EmbertextError where there is none."""
    path = next((path for name in MODELS if (path := folder / name).exists()), folder / MODELS[0])
    try:
        return Labeller(read_model(path), path=str(path))
    except MemoryError as error:
        raise EmbertextError("it does not fit into memory", where=str(path), remedy="host a smaller model") from error


class Labeller:
    """Answers of a classifier."""

    algorithm = "text_classification"
    content_types = (JSON, JSON_LINES)

    def __init__(self, model: Model, *, path: str) -> None:
        self._classifier = Classifier.of_fasttext(model, path=path)
        self._labels = [printable(label) for label in self._classifier.labels]
        self._names = [orjson.dumps(label) for label in self._labels]
        self._ends = [b'],"label":[' + name + b"]}" for name in self._names]
        self._about = {"vocabulary_size": model.dictionary.words, "dimension": model.args.dim}
        self._classifier.predict([""])  # what is made, or compiled, when first asked for

    def about(self) -> dict[str, Any]:
        """See `answers.Answers`."""
        return {
            "algorithm": self.algorithm,
            **self._about,
            "labels_count": len(self._labels),
            "labels": self._labels[:100],
            "neighbours": [],
            "example": {"instances": ["a sentence", "another one"], "configuration": {"k": min(2, len(self._labels))}},
        }

    def answer(self, body: bytes, *, content_type: str, accept: str = "") -> Answer:
        """See `answers.Answers`. Accept is not read."""
        kind, _ = media_type(content_type, self.content_types)
        return self.encode(self.predict(self.decode(body, content_type=kind)), accept=kind)

    def decode(self, body: bytes, *, content_type: str) -> list[Sentence]:
        """The sentences."""
        kind, _ = media_type(content_type, self.content_types)
        if kind == JSON_LINES:
            return codecs.read_lines(body).instances(_sentence)
        records, configuration = codecs.read_json(body)
        k = codecs.configured(configuration, "k", 1, MOST, default=1, remedy=_K)
        return records.instances(partial(_sentence, k=k))

    def predict(self, instances: Sequence[Sentence]) -> list[bytes]:
        """JSON of the likeliest labels of each: small objects, which nothing has to look through."""
        if not instances:
            return []
        most = max([sentence.k for sentence in instances])
        labels, chances = self._classifier.predict([sentence.text for sentence in instances], k=most)
        names, width, found = self._names, labels.shape[1], []
        rows = orjson.dumps(chances, option=orjson.OPT_SERIALIZE_NUMPY)[2:-2].split(b"],[")
        if width == 1 and labels.min() >= 0:  # nearly always
            ends = self._ends
            return [b'{"prob":[' + row + ends[number] for number, row in zip(labels[:, 0].tolist(), rows, strict=True)]
        for sentence, numbers, row in zip(instances, labels.tolist(), rows, strict=True):
            k = min(sentence.k, width)
            if numbers[k - 1] < 0:  # a sentence without anything that is known
                k = sum(number >= 0 for number in numbers[:k])
            if k < width:
                numbers, row = numbers[:k], b",".join(row.split(b",")[:k])
            told = b",".join([names[number] for number in numbers])
            found.append(b'{"prob":[' + row + b'],"label":[' + told + b"]}")
        return found

    def encode(self, predictions: Sequence[bytes], *, accept: str = "") -> Answer:
        """See `answers.Answers`."""
        if accepted(accept, JSON, self.content_types) == JSON_LINES:
            return codecs.lines(predictions)
        return Answer(b"[" + b",".join(predictions) + b"]", JSON)


def _sentence(item: Any, k: int = 1) -> Sentence:
    """The sentence of a record; k: what is asked for unless it says so."""
    if type(item) is dict and "source" in item:
        if "k" in item:
            k = codecs.whole_number(item["k"], 1, MOST, "k", remedy=_K)
        item = item["source"]
    if type(item) is not str:
        what = f"{shown(item)}, expected a sentence"
        raise Wrong(what, remedy='send "a sentence", or on a line {"source": "a sentence"}')
    return Sentence(item, k)


def _conforms(labeller: Labeller) -> Answers:
    return labeller
