"""What changed since the champion, or, where there is none, since the latest version: told in the report of a run."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from prefect import task

from algorithms.drift.models import Drift
from data import storage
from data.errors import EmbertextError
from data.registry import versions
from data.registry.records import Version
from tasks.against import Against
from tasks.drift import Drifted, Side
from tasks.ingest import Ingested
from tasks.network import NETWORK, network_failed
from tasks.progress import log, progress
from tasks.publish import MANIFEST
from tasks.registry.gate import Gate


class Since(NamedTuple):
    """Compares the model that is published in a folder, by its URL, with this one. how: of an algorithm, as `Judge`."""

    how: Callable[..., Drift]
    given: Mapping[str, Any]


def changes(gate: Gate | None, against: Against | None, ingested: Ingested, since: Since) -> Against | None:
    """The comparison, and with it what changed; as it is where nothing is registered, or nothing was before."""
    if gate is None or against is None:
        return against
    latest = None if gate.champion else next(iter(versions.all_of(gate.registry, gate.name)[-1:]), None)
    if not (earlier := gate.champion or latest):
        return against
    return against.model_copy(update={"drift": compared(earlier, ingested, since.how, since.given)})


@task(name="drift", description="Say what changed since the champion, or since the latest version.", **NETWORK)
def compared(
    earlier: Version, ingested: Ingested, how: Callable[..., Drift], given: Mapping[str, Any]
) -> Drifted | None:
    """None where the earlier model can no longer be read."""
    try:
        with progress("drift"):
            manifest = storage.read_json(storage.join(earlier.url, MANIFEST))
            found = how(earlier.url, **given)
    except EmbertextError as error:
        if network_failed(error):
            raise
        log().warning("%s cannot be compared: %s", earlier.label, error)
        return None
    source = ingested.source
    after = Side(partition=source.partition, corpus=source.name)
    return Drifted(before=Side.of(manifest, model=earlier.url, version=earlier.label), after=after, found=found)
