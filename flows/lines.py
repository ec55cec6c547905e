"""What the pipeline does for each algorithm: its form, what a sweep of it is after, and how its data comes in.

Hyperparameters come as names and values, since one flow is one form; those of how text becomes numbers, such as min_df
of topics, are among them.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError, WithJsonSchema

from algorithms.object2vec.pairing import Pairing
from algorithms.search.reading import mapping
from algorithms.search.space import did_you_mean
from algorithms.search.spaces import RECOMMENDED
from algorithms.text_classification.algorithm import TextClassification
from algorithms.topics.algorithm import Topics
from algorithms.topics.counts import Counting
from algorithms.word2vec.algorithm import Word2Vec
from data.errors import EmbertextError, HyperparameterError
from data.readers import Tokenizer
from flows.object2vec import DEFAULT
from flows.trials import object2vec, text_classification, topics, word2vec
from tasks.ingest import Ingested, ingest
from tasks.object2vec.channel import find
from tasks.publish import Published
from tasks.text_classification.judge import judge
from tasks.text_classification.model import find as find_model
from tasks.text_classification.text import held_out
from tasks.topics.text import ingest as ingest_counts
from tasks.tune.settings import Ranges, Tuning, space
from tasks.tune.sweep import Aim, Sweep, planned
from tasks.tune.trial import Stages

Algorithm = Literal["topics", "word2vec", "text-classification", "object2vec"]
Settings = Annotated[str | dict[str, Any], WithJsonSchema({"type": "string"})]
"""Hyperparameters by name: YAML or JSON as text, or what it would hold. To a form it is text."""

EXAMPLE = "epochs: 10"
HELD_OUT = "10%"  # of labelled text, to judge by; of other text a tenth is held out by its own preparation

Form = TypeVar("Form", bound=BaseModel)


class Places(NamedTuple):
    """Where text is: names or URLs, "" for none. partition: which of it."""

    train: str
    validation: str
    test: str
    partition: str = ""


class Begun(NamedTuple):
    """Data that has come in, and what follows.

    unseen: judges a published model by a test set, where that is not a part of its evaluation.
    """

    trials: Stages
    unseen: Callable[[Published], Any] | None = None


class Line(NamedTuple):
    """form: where the search begins; ranges: where it looks; begin: ingests, given a seed and the folder for stages."""

    aim: Aim
    form: BaseModel
    ranges: Ranges
    begin: Callable[[int, str], Begun]

    def sweep(self, tuning: Tuning, data: dict[str, Any] | None = None, *, seed: int) -> Sweep:
        """On this data; without any, to see whether it could be."""
        return planned(self.aim, self.form, self.ranges, tuning, data, seed=seed)


def line(algorithm: Algorithm, places: Places, settings: Settings, ranges: Ranges, *, several: bool) -> Line:
    """several: more than one worker trains a model. Raises EmbertextError, in one line, for what does not fit."""
    given = dict(settings) if isinstance(settings, Mapping) else _read(settings)
    lines = {"topics": _topics, "word2vec": _word2vec, "text-classification": _classes, "object2vec": _pairs}
    return lines[algorithm](places, given, ranges, several)


def _topics(places: Places, given: dict[str, Any], ranges: Ranges, several: bool) -> Line:
    form, counting = _forms(given, Topics(), Counting())

    def begin(seed: int, work: str) -> Begun:
        ingested, others = _ingested(places, ingest_counts)
        return Begun(topics.OfTopics(ingested, others, {}, counting, seed=seed, work=work))

    return Line(topics.AIM, form, ranges, begin)


def _word2vec(places: Places, given: dict[str, Any], ranges: Ranges, several: bool) -> Line:
    for channel in (name for name in ("validation", "test") if getattr(places, name)):
        what = "word2vec is judged by what people say of words (WordSim-353), not by text"
        raise EmbertextError(what, where=f"{channel}={getattr(places, channel)!r}", remedy="leave it out")
    tokenizer = _tokenizer(given)
    form = _form(Word2Vec(), given)
    if several:
        form.check_workers(2)
        # of its modes one is learned by several workers
        ranges = ranges or {name: each for name, each in RECOMMENDED["word2vec"].items() if name != "mode"}
        for mode in getattr(space("word2vec", form, ranges).ranges.get("mode"), "values", ()):
            _form(form, {"mode": mode}).check_workers(2)

    def begin(seed: int, work: str) -> Begun:
        ingested = ingest(places.train, places.partition)
        return Begun(word2vec.OfWord2Vec(ingested, tokenizer, analogies=False, seed=seed, work=work))

    return Line(word2vec.AIM, form, ranges, begin)


def _classes(places: Places, given: dict[str, Any], ranges: Ranges, several: bool) -> Line:
    tokenizer = _tokenizer(given)
    form = _form(TextClassification(), given)
    validation = places.validation or HELD_OUT
    share = held_out(validation)

    def begin(seed: int, work: str) -> Begun:
        ingested = ingest(places.train, places.partition)
        judged_by = None if share else ingest(validation, places.partition)
        test = ingest(places.test, places.partition) if places.test else None
        unseen = partial(_unseen, test, tokenizer, work) if test else None
        trials = text_classification.OfTextClassification(ingested, judged_by, share, tokenizer, seed=seed, work=work)
        return Begun(trials, unseen)

    return Line(text_classification.aim(validation), form, ranges, begin)


def _unseen(test: Ingested, tokenizer: Tokenizer, work: str, model: Published) -> Any:
    """A classifier has no third set: what was published is judged as any model that is there."""
    return judge(find_model(model.model), test, tokenizer=tokenizer, work=work)


def _pairs(places: Places, given: dict[str, Any], ranges: Ranges, several: bool) -> Line:
    form, pairing = _forms(given, DEFAULT, Pairing())
    files = find.fn("", form)  # none: what hyperparameters name has no place here

    def begin(seed: int, work: str) -> Begun:
        ingested, others = _ingested(places, ingest)
        return Begun(object2vec.OfObject2Vec(ingested, others, {}, files, pairing, seed=seed, work=work))

    return Line(object2vec.aim(form), form, ranges, begin)


def _ingested(places: Places, ingest: Any) -> tuple[Any, dict[str, Any]]:
    """The training text, and validation and test where they are given."""
    found = {name: getattr(places, name) for name in ("train", "validation", "test") if getattr(places, name)}
    ingested = {name: ingest(url, places.partition) for name, url in found.items()}
    return ingested.pop("train"), ingested


def _read(settings: str) -> dict[str, Any]:
    return mapping(settings, where="hyperparameters", kind="values", example=EXAMPLE)


def _tokenizer(given: dict[str, Any]) -> Tokenizer:
    """How text becomes words, which is no field of the form."""
    taken: TypeAdapter[Tokenizer] = TypeAdapter(Tokenizer)
    try:
        return taken.validate_python(given.pop("tokenizer", "auto"))
    except ValidationError as error:
        raise _refusal("tokenizer", error) from error


def _forms(given: Mapping[str, Any], *starts: Any) -> tuple[Any, ...]:
    """Each form with those of the values that are its fields; the first with all that are nobody's."""
    first, *others = starts
    theirs = [{name: value for name, value in given.items() if name in type(each).model_fields} for each in others]
    taken = {name for values in theirs for name in values}
    own = {name: value for name, value in given.items() if name not in taken}
    known = [name for each in others for name in type(each).model_fields]
    rest = (_form(each, values) for each, values in zip(others, theirs, strict=True))
    return _form(first, own, besides=known), *rest


def _form(start: Form, given: Mapping[str, Any], *, besides: list[str] | tuple[str, ...] = ("tokenizer",)) -> Form:
    """A form with these values in the place of its own. besides: other names that could have been meant."""
    known = [*type(start).model_fields, *besides]
    for name in given:
        if name not in known:
            what = f"{type(start).__name__} has no such parameter{did_you_mean(name, known)}"
            remedy = f"choose from {', '.join(known)}"
            raise HyperparameterError(what, field=f"hyperparameters.{name}", value=given[name], remedy=remedy)
    try:
        return type(start)(**{**start.model_dump(), **given})
    except ValidationError as error:
        raise _refusal("", error) from error


def _refusal(name: str, error: ValidationError) -> EmbertextError:
    """What pydantic says of the first value that it does not take, in one line."""
    first = error.errors()[0]
    told = (first.get("ctx") or {}).get("error")
    if isinstance(told, EmbertextError):
        return told
    field = ".".join(["hyperparameters", *([name] if name else map(str, first["loc"]))])
    said = first["msg"].removeprefix("Value error, ")
    return HyperparameterError("not taken", field=field, value=first["input"], remedy=said[0].lower() + said[1:])
