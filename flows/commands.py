"""Commands that need no Prefect: they begin in a second or two, and there is no run to keep."""

import os
import signal
from typing import Annotated

from cyclopts import Group, Parameter, validators

MEGABYTES = 6  # of a request, as SageMaker's endpoints take them
TRANSFORM_MEGABYTES = 100  # at most, of a request of its batch transform

RUN = Group("Run", sort_key=1)


def serve(
    *models: Annotated[str, Parameter(group=RUN, negative="")],
    host: Annotated[str, Parameter(group=RUN, show_default=False)] = "",
    port: Annotated[
        int, Parameter(group=RUN, env_var="SAGEMAKER_BIND_TO_PORT", validator=validators.Number(gte=0, lte=65535))
    ] = 8080,
    processes: Annotated[int, Parameter(group=RUN, validator=validators.Number(gte=1, lte=1024))] = 1,
    watch: Annotated[float, Parameter(group=RUN, validator=validators.Number(gte=0))] = 30.0,
    max_payload: Annotated[
        int, Parameter(group=RUN, show_default=False, validator=validators.Number(gte=0, lte=TRANSFORM_MEGABYTES))
    ] = 0,
    debug: Annotated[bool, Parameter(group=RUN, negative="", show_default=False)] = False,
) -> None:
    """Host models as SageMaker's endpoints do: /ping, /invocations, and a page to try them. Ctrl-C ends it.

    Args:
        models: A model.tar.gz, also BlazingText's; a published folder; a folder of such folders, or a glob, of which
            the newest is taken; a fastText model.bin; one of a registry, as registry/words@champion, which is followed
            as it moves. A path or a URL; words=URL names it, and requests may then ask for it by that name. The first
            answers the others. Without any: /opt/ml/model, as in SageMaker's containers.
        host: The address to listen at. By default 127.0.0.1, which is this machine alone; in a container 0.0.0.0, all.
        port: The port; 0 takes one that is free.
        processes: Processes that answer, each with the models.
        watch: Seconds between looks for a newer version, which takes the place of the old one; 0 looks when POST
            /reload or SIGHUP asks for it.
        max_payload: Megabytes that a request may have; 0 is 6, or what SAGEMAKER_MAX_PAYLOAD_IN_MB says.
        debug: Show the traceback of an error.

    """
    from flows.container import model_folder
    from flows.hosting import MEGABYTE
    from flows.hosting import host as serve_models

    number = serve_models(
        models or (str(model_folder()),),
        address=host or ("127.0.0.1" if models else "0.0.0.0"),
        port=port,
        processes=processes,
        watch=watch,
        most_bytes=(max_payload or payload()) * MEGABYTE,
        tell=lambda line: print(line, flush=True),
    )
    if number == signal.SIGINT:
        print("stopped", flush=True)


def drift(
    old: Annotated[str, Parameter(group=RUN)],
    new: Annotated[str, Parameter(group=RUN)],
    *,
    output: Annotated[str, Parameter(group=RUN, show_default=False)] = "",
    debug: Annotated[bool, Parameter(group=RUN, negative="", show_default=False)] = False,
) -> None:
    """Say what changed between two models of one algorithm: words, neighbours, topics, classes.

    Args:
        old: The earlier model: its folder or model.tar.gz, a path or a URL; or a fastText file.
        new: The later one.
        output: A folder or URL below which a page with pictures is written too.
        debug: Show the traceback of an error.

    """
    from data.storage import check_writable
    from flows.changes import print_drift
    from flows.matter import compared
    from tasks.drift import write

    if output:
        check_writable(output)
    drifted = compared(old, new)
    print_drift(drifted)
    if output:
        print(f"\nreport   {write(drifted, output)}", flush=True)


def payload() -> int:
    """Megabytes that a request may have, when SageMaker's batch transform sends it or anybody else."""
    if os.environ.get("SAGEMAKER_BATCH", "").lower() != "true":
        return MEGABYTES
    told = os.environ.get("SAGEMAKER_MAX_PAYLOAD_IN_MB", "")
    return int(told) if told.isdecimal() and 0 < int(told) <= TRANSFORM_MEGABYTES else MEGABYTES
