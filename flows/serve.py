"""Hosting models, from the published folder to answers over HTTP, until the run is cancelled."""

from typing import Annotated

from prefect import flow, get_run_logger
from pydantic import Field

from flows.commands import MEGABYTES, TRANSFORM_MEGABYTES
from flows.form import titled
from flows.hosting import MEGABYTE
from flows.hosting import host as serve_models


@flow(name="serve", description="Host models as SageMaker's endpoints do, until the run is cancelled.")
@titled
def serve(
    models: Annotated[list[str], Field(min_length=1)],
    host: str = "127.0.0.1",
    port: Annotated[int, Field(ge=0, le=65535)] = 8080,
    processes: Annotated[int, Field(ge=1, le=1024)] = 1,
    watch: Annotated[float, Field(ge=0)] = 30.0,
    max_payload: Annotated[int, Field(ge=1, le=TRANSFORM_MEGABYTES)] = MEGABYTES,
) -> None:
    """Open the models, answer, take newer versions, and end when it is asked to.

    Args:
        models: What to host: each a model.tar.gz, a published folder, or a folder of such folders or a glob, of which
            the newest is taken; or one of a registry, as registry/words@champion, which is followed as it moves.
            A path or a URL; words=URL names it. The first answers who asks for none by name.
        host: The address to listen at; 0.0.0.0 for all of the machine's.
        port: The port; 0 takes one that is free, which the log tells.
        processes: Processes that answer, each with the models.
        watch: Seconds between looks for a newer version; 0 looks when POST /reload asks for it.
        max_payload: Megabytes that a request may have.

    """
    serve_models(
        models,
        address=host,
        port=port,
        processes=processes,
        watch=watch,
        most_bytes=max_payload * MEGABYTE,
        signals=False,  # while its own handler hears them Prefect knows a cancellation from a crash
        tell=get_run_logger().info,
    )
