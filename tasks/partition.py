"""The partition of a run: the one it was given, or that of the time it was scheduled for."""

from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.runtime import flow_run

from data import partitioned, partitions
from data.errors import HyperparameterError
from data.partitions import PLACEHOLDER
from tasks.progress import log

TAG = "partition:"  # before a partition, of a run in the Prefect UI


def chosen(partition: str, output: str, *inputs: str) -> tuple[str, str]:
    """The name of the partition that this run is about, or "" where it is about none; and `output` for it.

    partition: as given, a name or words such as "yesterday"; output, inputs: the run's places. Where one of them asks
    for a partition and none is given it is the day that the run was scheduled for; one that is given and that no place
    asks for is refused with an EmbertextError. The run gets a tag.
    """
    asked = any(PLACEHOLDER in place for place in (output, *inputs))
    if not partition.strip():
        if not asked:
            return "", output
        partition = "today"
    name = str(partitions.resolve(partition, flow_run.scheduled_start_time))
    if not (asked or any(map(partitioned.is_laid_out, inputs))):
        remedy = f"write {PLACEHOLDER} into train, as in news/{PLACEHOLDER}.txt, or give a folder with dt={name}/ in it"
        raise HyperparameterError("no place of this run has partitions", field="partition", value=name, remedy=remedy)
    log().info("partition %s", name)
    _tag(TAG + name)
    return name, partitions.fill(output, name)


def _tag(tag: str) -> None:
    """Mark the run in the Prefect UI, which lists runs by their tags."""
    context = FlowRunContext.get()
    if not (context and context.flow_run) or tag in context.flow_run.tags:
        return
    with get_client(sync_client=True) as client:
        client.update_flow_run(context.flow_run.id, tags=[*context.flow_run.tags, tag])
