"""`embertext registry`: what is registered, and which of it is the champion. Without Prefect; it begins in a second."""

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Group, Parameter

if TYPE_CHECKING:
    from data.registry.records import Alias, Version
    from tasks.drift import Drifted

HELP = "Published models by name and version: list, show, compare, promote, rollback."
RUN, OUTPUT = Group("Run", sort_key=1), Group("Output", sort_key=3)

Place = Annotated[str, Parameter(group=RUN, help="The folder or URL of the registry.")]
Name = Annotated[str, Parameter(group=RUN, help="The model's name in it.")]
Json = Annotated[
    bool, Parameter(group=OUTPUT, negative="", show_default=False, help="Print one JSON object on one line.")
]
Debug = Annotated[
    bool, Parameter(group=OUTPUT, negative="", show_default=False, help="Show the traceback of an error.")
]
Drift = Annotated[
    bool,
    Parameter(
        group=RUN,
        negative="",
        show_default=False,
        help="Also open both models, and say what changed in words, neighbours, topics, classes.",
    ),
]
Which = Annotated[str, Parameter(group=RUN, help="A version's number, or champion.")]
Number = Annotated[int, Parameter(group=RUN, help="The version's number.")]
First = Annotated[str, Parameter(group=RUN, show_default=False, help="A number; by default the champion.")]
Second = Annotated[str, Parameter(group=RUN, show_default=False, help="Another one; by default the last version.")]
Why = Annotated[str, Parameter(group=RUN, show_default=False, help="A sentence that is kept with it.")]

registry = App(name="registry", help=HELP, help_format="plaintext")


@registry.command(name="list")
def list_models(place: Place, name: Name = "", *, json: Json = False, debug: Debug = False) -> None:
    """List the models of a registry, or the versions of one."""
    from data.registry import aliases, versions
    from flows import registry_tables as tables

    if not name:
        models = [
            (each, versions.numbers(place, each), aliases.champion(place, each)[0]) for each in versions.names(place)
        ]
        tables.print_models(place, models, json=json)
        return
    found = versions.all_of(place, name)
    if not found:
        versions.read(place, name, 1)  # which says what there is
    tables.print_versions(found, aliases.champion(place, name)[0], json=json)


@registry.command
def show(
    place: Place,
    name: Name,
    version: Which = "champion",
    *,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Show one version: where it is, where it comes from, what it is worth, how its champion moved."""
    from data.registry import aliases
    from flows import registry_tables as tables

    tables.print_version(_version(place, name, version), aliases.champion(place, name)[0], json=json)


@registry.command
def compare(
    place: Place,
    name: Name,
    first: First = "",
    second: Second = "",
    *,
    drift: Drift = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Compare two versions: metrics, hyperparameters, corpus, code."""
    from data.errors import EmbertextError
    from data.registry import versions
    from data.registry.comparison import compared
    from flows import registry_tables as tables

    numbers = versions.numbers(place, name)
    one = _version(place, name, first or "champion")
    other = _version(place, name, second or str(numbers[-1]))
    if one.version == other.version:
        known = versions.shown([number for number in numbers if number != one.version])
        raise EmbertextError("that is one version, not two", where=one.label, remedy=f"there are also {known}")
    tables.print_comparison(
        one, other, compared(one, other), changed=_changed(one, other) if drift else None, json=json
    )


@registry.command
def promote(
    place: Place,
    name: Name,
    version: Number,
    *,
    why: Why = "",
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Make a version the champion, whatever the gate said of it."""
    from data.registry import aliases, versions
    from data.registry.records import Move
    from flows import registry_tables as tables

    versions.read(place, name, version)

    def decide(alias: "Alias | None") -> Move:
        previous = alias.previous if alias and alias.version == version else alias.version if alias else 0
        told = {"when": versions.now(), "by": versions.who(), "why": why or "by hand"}
        return Move(version=version, previous=previous, how="promoted", **told)

    tables.print_move(name, aliases.moved(place, name, decide), json=json)


@registry.command
def rollback(place: Place, name: Name, *, why: Why = "", json: Json = False, debug: Debug = False) -> None:
    """Make the version the champion again that was it before."""
    from data.registry import aliases, versions
    from flows import registry_tables as tables

    def decide(alias: "Alias | None") -> Any:
        return aliases.rolled_back(alias, name=name, when=versions.now(), by=versions.who(), why=why)

    tables.print_move(name, aliases.moved(place, name, decide), json=json)


def _changed(one: "Version", other: "Version") -> "Drifted":
    """What changed from one version to the other."""
    from flows import matter

    found = matter.compared(one.model, other.model)
    sides = {
        "before": found.before.model_copy(update={"version": one.label}),
        "after": found.after.model_copy(update={"version": other.label}),
    }
    return found.model_copy(update=sides)


def _version(place: str, name: str, which: str) -> "Version":
    """The version with a number, or the champion."""
    from data.errors import EmbertextError
    from data.registry.records import CHAMPION
    from data.registry.reference import Reference, found

    if which != CHAMPION and not which.isdecimal():
        raise EmbertextError(f"no version {which!r}", where=name, remedy=f"give a number, or {CHAMPION}")
    return found(Reference(place, name, which))
