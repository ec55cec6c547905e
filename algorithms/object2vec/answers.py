"""An Object2Vec that answers: `open` a folder with the model, send pairs for their scores, one side for its encoding.

    application/json        {"instances": [{"in0": [ids], "in1": [ids]}, ...]}  ->  {"predictions": [{"scores": [...]}]}
                            {"instances": [{"in0": [ids]}, ...]}, or in1    ->  {"predictions": [{"embeddings": [...]}]}
    application/jsonlines   a record a line                                     ->  {"scores": [...]} a line

Scores are the chances of each class, or the one score of a regression. `infer_max_seqlens=F,B` behind the content type
says after how many ids in0 and in1 are cut; else it is as in training. Where the model has a vocabulary, a side may be
a text, which SageMaker's may not. Answers are of the type that Accept asks for, else of the request's.
"""

from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

from algorithms import codecs
from algorithms.answers import JSON, JSON_LINES, Answer, Answers, Neighbour, Neighbours, RequestError
from algorithms.codecs import Wrong, shown
from algorithms.nearest import WAYS, Nearest, among, check
from algorithms.negotiation import accepted, media_type
from algorithms.object2vec.forward import FEW, Floats, Forward
from algorithms.object2vec.matcher import Matcher
from data.errors import EmbertextError
from data.pair_texts import spaced

LONGEST = 5000  # ids of a sequence
LENGTHS = "infer_max_seqlens"
SIDES = ("in0", "in1")


class Pair(NamedTuple):
    """Ids of both sides, or of one."""

    in0: list[int] | None
    in1: list[int] | None


Found = dict[str, Floats]
"""scores (C,) of a pair, or embeddings (D,) of one side."""


def open(folder: Path) -> "Comparer":  # noqa: A001 - answers.open(folder)
    """The model in a local folder, whose files may be deleted then. Raises EmbertextError where there is none."""
    return Comparer(Matcher.load(str(folder)))


class Comparer:
    """Answers of an Object2Vec."""

    algorithm = "object2vec"
    content_types = (JSON, JSON_LINES)

    def __init__(self, matcher: Matcher) -> None:
        self._form, self._ids = matcher.form, matcher.ids
        for ids in self._ids:
            if type(ids) is not dict or not {*map(type, ids.values())} <= {int} or min(ids.values(), default=0) < 0:
                remedy = "give an object of words and their ids, 0 or more"
                raise EmbertextError("this is no vocabulary", where="vocab.json", remedy=remedy)
        self._forward = Forward(matcher.form, matcher.state)
        self._longest = [encoder.max_seq_len for encoder in matcher.form.encoders]
        self._sizes = [len(table) for table in self._forward.tables]
        self._tokens = spaced(matcher.pairing.tokenizer, matcher.pairing.max_words)
        self.predict([Pair([0], [0])] * FEW.start)  # arrays that do not fit fail here; kernels are compiled

    def about(self) -> dict[str, Any]:
        """See `answers.Answers`."""
        pair = {"in0": "a sentence", "in1": "another one"} if all(self._ids) else {"in0": [1, 2], "in1": [1]}
        return {
            "algorithm": self.algorithm,
            "dimension": self._form.enc_dim,
            "vocabulary_size": self._sizes[0],
            "in1_vocabulary_size": self._sizes[1],
            "encoders": [encoder.network for encoder in self._form.encoders],
            "comparators": list(self._form.comparators),
            "classes_count": 0 if self._form.regression else self._form.num_classes,
            "texts": bool(all(self._ids)),
            "neighbours": [*WAYS, "documents"] if self._ids[0] else list(WAYS),
            "example": {"instances": [pair, {"in0": pair["in0"]}]},
        }

    def answer(self, body: bytes, *, content_type: str, accept: str = "") -> Answer:
        """See `answers.Answers`."""
        kind, _ = media_type(content_type, self.content_types)
        kind = accepted(accept, kind, self.content_types)
        return self.encode(self.predict(self.decode(body, content_type=content_type)), accept=kind)

    def decode(self, body: bytes, *, content_type: str) -> list[Pair]:
        """The pairs, cut to the lengths that are asked for."""
        kind, parameters = media_type(content_type, self.content_types)
        longest = _lengths(parameters[LENGTHS]) if LENGTHS in parameters else self._longest
        records = codecs.read_json(body)[0] if kind == JSON else codecs.read_lines(body)
        return records.instances(partial(self._pair, longest=longest))

    def predict(self, instances: Sequence[Pair]) -> list[Found]:
        """Scores of pairs, encodings of single sides."""
        found: list[Found] = [{} for _ in instances]
        both = [place for place, pair in enumerate(instances) if pair.in0 is not None and pair.in1 is not None]
        if both:
            sides = [
                self._forward.encode([ids for place in both if (ids := instances[place][side])], side=side)
                for side in (0, 1)
            ]
            for place, scores in zip(both, self._forward.scores(*sides), strict=True):
                found[place]["scores"] = scores
        for side in (0, 1):
            alone = [place for place, pair in enumerate(instances) if pair[side] is not None and pair[1 - side] is None]
            if alone:
                encodings = self._forward.encode([ids for place in alone if (ids := instances[place][side])], side=side)
                for place, encoding in zip(alone, encodings, strict=True):
                    found[place]["embeddings"] = encoding
        return found

    def encode(self, predictions: Sequence[Found], *, accept: str = "") -> Answer:
        """See `answers.Answers`."""
        return codecs.predictions(predictions, accepted(accept, JSON, self.content_types))

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
        """See `answers.Neighbours`: words by the token vectors of in0, or ids, where these have no words; documents by
        their encodings as in0.
        """
        if documents:
            check(k, documents=documents, words=words, vector=vector, positive=positive or negative)
            records = codecs.Records(list(documents))
            made = records.instances(lambda text: self._side(text, 0, self._longest[0]))
            return among(self._forward.encode(made, side=0), k)
        return self._nearest.neighbours(words=words, vector=vector, positive=positive, negative=negative, k=k)

    @cached_property
    def _rows(self) -> dict[str, int]:
        """The row of each word among the vectors of those that have one."""
        size = self._sizes[0]
        ids = self._ids[0] or {str(number): number for number in range(size)}
        return {word: row for word, row in sorted(ids.items(), key=lambda each: each[1]) if row < size}

    @cached_property
    def _nearest(self) -> Nearest:
        rows = [*self._rows.values()]
        table = self._forward.tables[0]
        in_order = not rows or rows == [*range(rows[0], rows[-1] + 1)]
        vectors = table[rows[0] : rows[-1] + 1] if in_order and rows else table[rows]
        places = {word: place for place, word in enumerate(self._rows)}

        def find(word: str) -> tuple[int, Floats] | None:
            return (places[word], vectors[places[word]]) if word in places else None

        return Nearest([*self._rows], lambda: vectors, find)

    def _pair(self, item: Any, longest: Sequence[int]) -> Pair:
        if type(item) is not dict:
            raise Wrong(f"{shown(item)}, expected an object", remedy=_REMEDY)
        if not ("in0" in item or "in1" in item):
            raise Wrong("neither in0 nor in1 is there", remedy=_REMEDY)
        return Pair(*(self._side(item[name], side, longest[side]) if name in item else None for side, name in _SIDES))

    def _side(self, given: Any, side: int, longest: int) -> list[int]:
        """The ids of one side; unknown words have the id 0."""
        size = self._sizes[side]
        if type(given) is str:
            return self._text(given, side)[:longest]
        ids: list[int] = [given] if type(given) is int else given
        if type(ids) is not list or not ids or {*map(type, ids)} != {int}:
            what = ("a list of other things" if ids else "an empty list") if type(ids) is list else shown(ids)
            raise Wrong(f"{what}, expected ids", field=SIDES[side], remedy=f"send ids from 0 to {size - 1}")
        if min(ids) < 0 or max(ids) >= size:
            wrong = next(number for number in ids if not 0 <= number < size)
            what = f"vocab id {wrong} is not one of 0..{size - 1}"
            raise Wrong(what, field=SIDES[side], remedy="send ids that were there in training")
        return ids[:longest]

    def _text(self, text: str, side: int) -> list[int]:
        ids, size = self._ids[side], self._sizes[side]
        if not ids:
            remedy = f"send ids from 0 to {size - 1}"
            raise Wrong("a text, and the model knows ids alone", field=SIDES[side], remedy=remedy)
        words = self._tokens(text).split(" ")
        if words == [""]:
            raise Wrong("a text without words", field=SIDES[side], remedy="leave it out")
        found = [ids.get(word, 0) for word in words]
        return [number if number < size else 0 for number in found]


_SIDES = tuple(enumerate(SIDES))
_REMEDY = 'send {"in0": [ids], "in1": [ids]} for a score, one of them for an encoding'


def _lengths(given: str) -> list[int]:
    """After how many ids in0 and in1 are cut."""
    parts = [part.strip() for part in given.split(",")]
    if len(parts) != 2 or not all(part.isdecimal() and 1 <= int(part[:9]) <= LONGEST for part in parts):
        what = f"{given[:40]!r}, expected two integers from 1 to {LONGEST}"
        remedy = f"send {LENGTHS}=100,50, say, or leave it out"
        raise RequestError(what, where="content-type", field=LENGTHS, remedy=remedy)
    return [int(part) for part in parts]


def _conforms(comparer: Comparer) -> tuple[Answers, Neighbours]:
    return comparer, comparer
