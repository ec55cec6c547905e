"""Registering what was published, and making it the champion where it passes the gate."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.runtime import deployment, flow_run
from prefect.states import Completed

from data import storage
from data.registry import aliases, versions
from data.registry.records import Alias, Model, Move, Run, Version
from data.registry.versions import now, who
from tasks import events
from tasks.against import Against, Comparison, Judge
from tasks.network import NETWORK
from tasks.progress import log
from tasks.publish import MANIFEST, Published, numbers
from tasks.registry.challenge import beside
from tasks.registry.gate import Gate, number


def register(gate: Gate | None, against: Against | None, published: Published, judge: Judge) -> Published:
    """What was published, with its version and the verdict; as it is where nothing is to be registered."""
    return registered(gate, against, published, judge.how, judge.given) if gate and against else published


@task(
    name="register",
    description="Give what was published a version, and make it the champion where it passes the gate.",
    **NETWORK,
)
def registered(
    gate: Gate, against: Against, published: Published, how: Callable[..., Comparison], given: Mapping[str, Any]
) -> Published:
    """Ends as Promoted, Refused or Registered, and leaves the artifact <algorithm>-champion.

    The same publication, in a run that is tried or done again, has the same version. Where the champion has changed
    since it was looked up, the model is judged again, beside the new one.
    """
    version, new = versions.register(gate.registry, gate.name, described(published, against))
    state, against = _passed(gate, version, against, Judge(how, given), new=new)
    verdict = f"{state.lower()}: {against.why}"
    log().info("%s, %s", version.label, verdict)
    _show(gate, version, against, state)
    if state != "Registered":
        _tell("promoted" if state == "Promoted" else "refused", version, against, published, new=new)
    value = published.model_copy(update={"version": version.label, "verdict": verdict})
    return Completed(name=state, message=f"{version.label}: {against.why}", data=value)  # type: ignore[return-value]


def _passed(gate: Gate, version: Version, against: Against, judge: Judge, *, new: bool) -> tuple[str, Against]:
    """What becomes of the version: the name of a state, and the comparison that decided."""
    seen = gate.champion.version if gate.champion else 0
    while True:
        alias, tag = aliases.champion(gate.registry, gate.name)
        if alias and alias.version == version.version:
            return "Promoted", against.model_copy(update={"promoted": True, "why": "it is the champion"})
        if alias and not new and _was(alias, version.version) and gate.promote != "always":
            why = f"it has been the champion, and version {alias.version} has been made that since"
            return "Refused", against.model_copy(update={"promoted": False, "why": why})
        if seen != (alias.version if alias else 0):
            champion = versions.read(gate.registry, gate.name, alias.version) if alias else None
            against, seen = beside(gate, champion, judge), alias.version if alias else 0
        if not against.promoted:
            return "Registered" if gate.promote == "never" else "Refused", against
        move = Move(
            version=version.version,
            previous=alias.version if alias else 0,
            how="promoted",
            when=now(),
            by=who(),
            why=against.why,
            run=version.run if new else _run(),
        )
        if aliases.promote(gate.registry, gate.name, move, after=alias, tag=tag):
            return "Promoted", against


def _was(alias: Alias, version: int) -> bool:
    return any(move.version == version for move in alias.history)


def described(published: Published, against: Against | None = None) -> Model:
    """A publication as the registry tells it. Raises StorageError where it is not whole."""
    place = storage.join(published.url, MANIFEST)
    content = storage.read_bytes(place)
    manifest: dict[str, Any] = storage.from_json(content, place)
    corpus = {name: manifest.get("corpus", {}).get(name) for name in ("name", "kind", "checksum", "bytes")}
    return Model(
        url=published.url,
        model=published.model,
        manifest=hashlib.sha256(content).hexdigest(),
        algorithm=manifest["algorithm"],
        created=manifest["created"],
        partition=manifest.get("partition", ""),
        corpus={name: value for name, value in corpus.items() if value is not None},
        hyperparameters=manifest["hyperparameters"],
        metrics=numbers(manifest["metrics"]),
        code=manifest.get("code", {}),
        run=_run(),
        judged=against.told() if against else None,
    )


def _run() -> Run:
    told = {"id": flow_run.id, "name": flow_run.name, "flow": flow_run.flow_name, "deployment": deployment.name}
    return Run(**{name: str(value or "") for name, value in told.items()})


def _tell(what: events.What, version: Version, against: Against, published: Published, *, new: bool) -> None:
    """Emit the event of what the gate has decided."""
    told = events.ModelEvent(
        algorithm=version.algorithm,
        model=published.model,
        report=published.report,
        manifest=storage.join(published.url, MANIFEST),
        partition=version.partition,
        metrics=version.metrics,
        name=version.name,
        version=version.label,
        champion=against.champion,
        reason=against.why,
        reused=not new,
    )
    events.of_model(what, told)


def _show(gate: Gate, version: Version, against: Against, state: str) -> None:
    """What was decided, and a line for each metric, the one that decides first."""
    columns = ("metric", "champion", "this one", "verdict")
    lines = [("version", against.champion or "–", version.label, state.lower())]
    lines += [(row.metric, number(row.champion), number(row.this), f"{row.better} is better") for row in against.rows]
    rows = [dict(zip(columns, line, strict=True)) for line in lines]
    key = f"{gate.algorithm.replace('_', '-')}-champion"
    create_table_artifact(rows, key=key, description=f"{version.label} is {state.lower()}: {against.why}.")
