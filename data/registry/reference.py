"""A registered model as an address: <registry>/<name>@champion, or <registry>/<name>@3."""

import re
from typing import NamedTuple

from data.errors import EmbertextError
from data.registry import aliases, versions
from data.registry.records import CHAMPION, NAME, Version

ADDRESS = re.compile(rf"(?P<registry>.+)/(?P<name>{NAME})@(?P<which>{CHAMPION}|\d+)/?")


class Reference(NamedTuple):
    """which: champion, or a number."""

    registry: str
    name: str
    which: str


def parsed(address: str) -> Reference | None:
    """What an address names, or None where it names no registered model: any other path or URL."""
    found = ADDRESS.fullmatch(address)
    return Reference(found["registry"], found["name"], found["which"]) if found else None


def found(reference: Reference) -> Version:
    """The version that is meant now. Raises EmbertextError where there is none."""
    registry, name, which = reference
    if which != CHAMPION:
        return versions.read(registry, name, int(which))
    alias = aliases.champion(registry, name)[0]
    if alias is None:
        known = versions.numbers(registry, name)
        where = f"{registry}/{name}@{CHAMPION}"
        if not known:
            there = versions.shown(versions.names(registry))
            raise EmbertextError("no such model is registered", where=where, remedy=f"the models there are {there}")
        remedy = f"promote one of the versions {versions.shown(known)}"
        raise EmbertextError("none of its versions has been promoted", where=where, remedy=remedy)
    return versions.read(registry, name, alias.version)


def resolved(address: str, *, archive: bool = False) -> str:
    """The folder of the model that an address of a registry names now; any other address as it is.

    archive: its model.tar.gz instead.
    """
    reference = parsed(address)
    if not reference:
        return address
    version = found(reference)
    return version.model if archive else version.url
