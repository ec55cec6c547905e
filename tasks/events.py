"""Events for the automations of a Prefect server: a model was published, promoted, refused; a partition has arrived.

    embertext.model.published      embertext.model.<algorithm>      a publish has finished
    embertext.model.promoted       embertext.model.<name>           a version has become the champion
    embertext.model.refused        embertext.model.<name>           a version has not passed the gate
    embertext.partition.arrived    embertext.place.<place>          a partition is there to be read

Automations match a resource's labels, and give what is in the payload to what they start. Prefect adds the flow run and
its deployment as related resources. An event is handed to Prefect's own thread, which sends all that a run tells its
server, the states of tasks too: nothing waits here, and nothing that goes wrong here ends a run.
"""

from collections.abc import Mapping
from typing import Any, Literal

from prefect.context import FlowRunContext, TaskRunContext
from prefect.events import emit_event
from pydantic import BaseModel

from tasks.progress import log

PREFIX = "embertext"
ARRIVED = f"{PREFIX}.partition.arrived"

What = Literal["published", "promoted", "refused"]


class ModelEvent(BaseModel, frozen=True):
    """The payload of what is told of a model: places, and what it is worth.

    name, version: in the registry, "" where it is not registered. champion: the version that it was judged beside, ""
    where there was none. metrics: numbers by their names. reason: what the gate said. reused: an earlier run had
    published it, or registered it, and this one has found it.
    """

    algorithm: str
    model: str
    report: str
    manifest: str
    partition: str = ""
    metrics: dict[str, float] = {}
    name: str = ""
    version: str = ""
    champion: str = ""
    reason: str = ""
    reused: bool = False


class PartitionEvent(BaseModel, frozen=True):
    """The payload of a partition's arrival. place: as it was watched; url: where the partition is; files, bytes: in it.

    marker: whether its writer has said that it is whole.
    """

    partition: str
    place: str
    url: str
    files: int
    bytes: int
    marker: bool = False


def of_model(what: What, told: ModelEvent) -> bool:
    """Whether it was handed over."""
    labels = {
        "algorithm": told.algorithm,
        "partition": told.partition,
        "version": told.version,
        "reused": str(told.reused).lower(),
    }
    named = told.name or told.algorithm
    return _emit(f"{PREFIX}.model.{what}", f"{PREFIX}.model.{named}", named, labels, told.model_dump(mode="json"))


def of_partition(told: PartitionEvent) -> bool:
    """Whether it was handed over."""
    labels = {"partition": told.partition, "place": told.place}
    return _emit(ARRIVED, f"{PREFIX}.place.{told.place}", told.place, labels, told.model_dump(mode="json"))


def _emit(event: str, identity: str, name: str, labels: Mapping[str, str], payload: dict[str, Any]) -> bool:
    """Outside of a run there is no server that one may speak to: Prefect would start one."""
    if not (FlowRunContext.get() or TaskRunContext.get()):
        return False
    resource = {"prefect.resource.id": identity, "prefect.resource.name": name}
    resource |= {f"{PREFIX}.{label}": value for label, value in labels.items() if value}
    try:
        sent = emit_event(event, resource=resource, payload=payload)
    except Exception as error:  # too large, a server that is going down: whatever it is, the model is published
        log().warning("%s was not told: %s", event, " ".join(str(error).split()))
        return False
    return sent is not None
