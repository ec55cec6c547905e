"""Which version of a model is its champion, and how that moves."""

from collections.abc import Callable

from pydantic import ValidationError

from data import storage
from data.errors import EmbertextError, StorageError
from data.registry.records import CHAMPION, Alias, Move

TRIES = 100


def champion(registry: str, name: str) -> tuple[Alias | None, str]:
    """The alias, and the tag that it is replaced by; None and "" where nothing has been promoted yet."""
    place = _place(registry, name)
    if not (found := storage.look(place)):
        return None, ""
    content, tag = found
    try:
        return Alias(**storage.from_json(content, place)), tag
    except (ValidationError, TypeError) as error:
        raise StorageError(
            "not an alias of a model", where=place, remedy="was it written by something else?"
        ) from error


def promote(registry: str, name: str, move: Move, *, after: Alias | None, tag: str) -> bool:
    """Make a version the champion in the place of another one. False when the alias has moved since that was read.

    after, tag: what `champion` gave.
    """
    alias = Alias(**dict(move), history=_history(after))
    content, place = storage.to_json(alias.model_dump(mode="json")), _place(registry, name)
    return storage.replace(place, content, tag) if tag else storage.create(place, content)


def moved(registry: str, name: str, decide: Callable[[Alias | None], Move]) -> Move:
    """Move the alias to where `decide` says, which is asked again when somebody else was faster."""
    for _ in range(TRIES):
        alias, tag = champion(registry, name)
        move = decide(alias)
        if promote(registry, name, move, after=alias, tag=tag):
            return move
    raise StorageError("the champion keeps moving", where=storage.join(registry, name), remedy="try again")


def rolled_back(alias: Alias | None, *, name: str, when: str, by: str, why: str) -> Move:
    """The move back to what was the champion before. Raises EmbertextError where nothing was."""
    if not alias or not alias.previous:
        what = f"version {alias.version} is the first champion" if alias else "there is no champion"
        raise EmbertextError(f"{what}: there is nothing to go back to", where=name, remedy="promote another version")
    target = alias.previous
    came = [move for move in alias.history if move.version == target and move.how == "promoted"]
    return Move(
        version=target,
        previous=came[-1].previous if came else 0,
        how="rolled back",
        when=when,
        by=by,
        why=why or f"back from version {alias.version}",
    )


def _history(alias: Alias | None) -> list[Move]:
    if not alias:
        return []
    return [*alias.history, Move(**alias.model_dump(exclude={"history"}))]


def _place(registry: str, name: str) -> str:
    return storage.join(registry, name, "aliases", f"{CHAMPION}.json")
