"""The models that are served, by name. A newer version is opened and tried before it takes the place of the old one.

Requests hold the version that they began with, so that none notices. What opens a model is given: this knows no
algorithm. Threads may ask and reload at once.
"""

import gc
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any, NamedTuple

import orjson
from pydantic import BaseModel

from algorithms.answers import JSON, Answers
from data import storage
from data.errors import EmbertextError
from data.registry.reference import parsed
from tasks.serve.versions import Version, newest

logger = logging.getLogger("embertext.serve")


class Model(NamedTuple):
    """One version of a model. `opened` is in seconds of the epoch."""

    name: str
    answers: Answers
    version: Version
    about: Mapping[str, Any]
    opened: float


class Reloaded(BaseModel, frozen=True):
    """What asking for a newer version came to. `error` says why the old one stays, "" when all is well."""

    model: str
    version: str
    changed: bool
    error: str = ""


class Models:
    """`places` are addresses by name, as `versions.newest` understands them; the first is the one without a name."""

    def __init__(self, places: Mapping[str, str], open_model: Callable[[str], Answers]) -> None:
        assert places
        self.places = dict(places)
        self.default = next(iter(self.places))
        self._open = open_model
        self._models: dict[str, Model] = {}
        self._reloading = Lock()

    @classmethod
    def of(cls, **answers: Answers) -> "Models":
        """Models that are open already, and have no other versions."""
        models = cls(dict.fromkeys(answers, ""), lambda url: answers[url])
        for name, each in answers.items():
            models._models[name] = _model(name, each, Version("", "1"))
        return models

    def load(self) -> None:
        """Open them all. Raises what opening one raises."""
        for name, url in self.places.items():
            if name not in self._models:
                self._models[name] = self._opened(name, newest(url))
        gc.freeze()  # all this stays; requests would have to wait while the collector goes through it

    @property
    def ready(self) -> bool:
        """Whether each can answer."""
        return len(self._models) == len(self.places)

    def __iter__(self) -> Iterator[Model]:
        return iter(list(self._models.values()))

    def find(self, name: str = "") -> Model | None:
        """The version of now; "": of the default model. A name may be given as SageMaker's Target-Model: a.tar.gz."""
        models = self._models
        if not name:
            return models.get(self.default)
        return models.get(name) or models.get(name.strip("/").removesuffix(".tar.gz"))

    def reload(self) -> list[Reloaded]:
        """Look for newer versions and take them. Whatever is wrong with one, the old one stays and goes on."""
        with self._reloading:
            found = [self._newer(model) for model in self if self.places[model.name]]
            if any(each.changed for each in found):
                gc.unfreeze()
                gc.collect()  # what the older versions left
                gc.freeze()
            return found

    def _newer(self, model: Model) -> Reloaded:
        try:
            version = newest(self.places[model.name], algorithm=model.answers.algorithm)
            if version.name == model.version.name:
                return Reloaded(model=model.name, version=version.name, changed=False)
            opened = self._opened(model.name, version)
        except Exception as error:  # anything: what is served must not end by what is not
            users = isinstance(error, EmbertextError)
            logger.warning("%s stays as it is: %s", model.name, error, exc_info=not users)
            reason = str(error) if users else "it cannot be opened; the server's log says why"
            return Reloaded(model=model.name, version=model.version.name, changed=False, error=reason)
        self._models[model.name] = opened  # one assignment: a request finds either version, never none
        logger.info("%s is now version %s of %s", model.name, version.name, version.url)
        return Reloaded(model=model.name, version=version.name, changed=True)

    def _opened(self, name: str, version: Version) -> Model:
        return _model(name, self._open(version.url), version)


def _model(name: str, answers: Answers, version: Version) -> Model:
    """A model that has answered once: the first answer compiles and reads what later ones find ready."""
    about = answers.about()
    if example := about.get("example"):
        answers.answer(orjson.dumps(example), content_type=JSON)
    return Model(name, answers, version, about, time.time())


def named(addresses: Sequence[str]) -> dict[str, str]:
    """Addresses by name: "words=artifacts/word2vec-*", or an address alone, which is named after itself.

    Raises EmbertextError when two have one name, and for a name that could not stand in a URL.
    """
    found: dict[str, str] = {}
    for address in addresses:
        name, equals, url = address.partition("=")
        if not equals or "/" in name or "\\" in name:
            name, url = _own_name(address), address
        if not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or not name.isascii():
            raise EmbertextError(
                f"{name!r} is no name for a model", where=address, remedy="use letters, digits, - . and _: words=URL"
            )
        if name in found:
            raise EmbertextError(
                f"two models would be named {name}", where=address, remedy=f"name them apart: other={url}"
            )
        found[name] = url
    return found


def _own_name(url: str) -> str:
    """artifacts/word2vec-1f2e/model.tar.gz: word2vec-1f2e; artifacts/word2vec-*: word2vec; /opt/ml/model: model.

    registry/words@champion: words.
    """
    if reference := parsed(url):
        return reference.name
    parts = [part for part in url.replace("\\", "/").split("/") if part]
    last = storage.name(url).removesuffix(".tar.gz").removesuffix(".tgz")
    if last == "model" and url.endswith("gz") and len(parts) > 1 and not parts[-2].endswith(":"):
        last = parts[-2]
    kept = "".join(each if each.isascii() and (each.isalnum() or each in "-_.") else "-" for each in last)
    return kept.strip("-.") or "model"
