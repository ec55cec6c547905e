"""Registering what is published, and reading what is registered.

A model gets one version, however often and by however many at once it is registered. `models/<sha256>.json` says which
number that is, and is written before the version: who finds one without the other, since somebody was interrupted,
goes on from there. The number is the one after the last; where somebody else has taken it by then, the next.
"""

import getpass
import re
import socket
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from data import storage
from data.errors import EmbertextError, StorageError
from data.registry.aliases import champion
from data.registry.records import NAME, Model, Version

MANIFEST = "manifest.json"
TRIES = 1000


def register(registry: str, name: str, model: Model) -> tuple[Version, bool]:
    """The model's version, and whether it is new. Raises StorageError where the registry cannot be written."""
    claim = storage.join(registry, name, "models", f"{model.manifest}.json")
    for _ in range(TRIES):
        if not (known := storage.look(claim)):
            storage.create(claim, _number(_next(registry, name)))
            known = storage.read_tagged(claim)
        content, tag = known
        number = int(storage.from_json(content, claim)["version"])
        version = Version(**dict(model), name=name, version=number, registered=now(), by=who())
        if storage.create(_place(registry, name, number), storage.to_json(version.model_dump(mode="json"))):
            return version, True
        found = read(registry, name, number)
        if found.manifest == model.manifest:
            return found, False
        storage.replace(claim, _number(max(_next(registry, name), number + 1)), tag)  # or somebody else has
    raise StorageError("others are always faster", where=registry, remedy="try again when fewer register at once")


def names(registry: str) -> list[str]:
    """Of the models in a registry, sorted."""
    return [name for name in storage.names(registry) if re.fullmatch(NAME, name)]


def numbers(registry: str, name: str) -> list[int]:
    """Of the versions of a model, in their order."""
    found = (re.fullmatch(r"(\d{6,})\.json", each) for each in storage.names(storage.join(registry, name, "versions")))
    return sorted(int(each[1]) for each in found if each)


def read(registry: str, name: str, number: int) -> Version:
    """One version. Raises EmbertextError where there is none, naming those that there are."""
    place = _place(registry, name, number)
    if not (content := storage.look(place)):
        known = numbers(registry, name)
        there = f"its versions are {shown(known)}" if known else f"the models there are {shown(names(registry))}"
        what = f"no version {number}" if known else f"no model {name!r}"
        raise EmbertextError(what, where=storage.join(registry, name), remedy=there)
    try:
        return Version(**storage.from_json(content[0], place))
    except (ValidationError, TypeError) as error:
        raise StorageError(
            "not a version of a model", where=place, remedy="was it written by something else?"
        ) from error


def all_of(registry: str, name: str) -> list[Version]:
    """The versions of a model, in their order."""
    return [read(registry, name, number) for number in numbers(registry, name)]


def shown(values: list[Any]) -> str:
    """1, 2, 3; the last ones where there are many; none."""
    if not values:
        return "none"
    return ("..., " if len(values) > 10 else "") + ", ".join(map(str, values[-10:]))


def now() -> str:
    """The time, as the records tell it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def who() -> str:
    """user@host, as far as the system knows."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = "somebody"
    return f"{user}@{socket.gethostname()}"


def _place(registry: str, name: str, number: int) -> str:
    return storage.join(registry, name, "versions", f"{number:06}.json")


def _next(registry: str, name: str) -> int:
    """The number after the last; one whose object somebody has deleted counts where it was a champion."""
    alias = champion(registry, name)[0]
    moved = [move.version for move in [alias, *alias.history]] if alias else []
    return max([0, *numbers(registry, name), *moved]) + 1


def _number(number: int) -> bytes:
    return storage.to_json({"version": number})
