"""`embertext backfill`: the flow of that name from a shell, with the names and lists that one types there."""

import sys
from typing import Annotated, Any, Literal

import orjson
from cyclopts import Group, Parameter, validators

from data.errors import EmbertextError
from data.partitions import Grain

RUN = Group("Run", sort_key=1)
FAILED, INTERRUPTED = 1, 130
SERVER = "start one (prefect server start), deploy (prefect deploy --all), and say where: PREFECT_API_URL"


def backfill(
    deployment: Annotated[str, Parameter(group=RUN)],
    /,
    *,
    first: Annotated[str, Parameter(name="--from", group=RUN)],
    last: Annotated[str, Parameter(name="--to", group=RUN, show_default=False)] = "",
    every: Annotated[Grain, Parameter(group=RUN)] = "day",
    param: Annotated[list[str], Parameter(group=RUN, negative="", show_default=False)] = [],  # noqa: B006
    sweep: Annotated[list[str], Parameter(group=RUN, negative="", show_default=False)] = [],  # noqa: B006
    limit: Annotated[int, Parameter(group=RUN, validator=validators.Number(gte=1))] = 2,
    redo: Annotated[Literal["none", "failed", "all"], Parameter(group=RUN)] = "none",
    metric: Annotated[str, Parameter(group=RUN, show_default=False)] = "",
    cancel_running: Annotated[bool, Parameter(group=RUN, negative="", show_default=False)] = False,
    dry_run: Annotated[bool, Parameter(group=RUN, negative="", show_default=False)] = False,
    json: Annotated[bool, Parameter(group=RUN, negative="", show_default=False)] = False,
    debug: Annotated[bool, Parameter(group=RUN, negative="", show_default=False)] = False,
) -> None:
    """Run a deployment for each partition of a stretch of time, once, and show what came of it.

    The same command again goes on where it was, also after it was killed: runs that are there are followed. Exit codes:
    0, all have completed; 1, some have failed; 2, a mistake that you can put right; 130, stopped by Ctrl-C.

    Args:
        deployment: What to run: a deployment that takes a partition, such as word2vec/word2vec, or its name alone.
        first: The first partition, such as 2026-01-01 or 2026-01; or words such as "6 months ago".
        last: The last partition, such as 2026-06-30; or words such as "last month". Without it the first alone.
        every: How long a partition is.
        param: A parameter that all runs are given, as name=value: one of the deployment's form, such as seed, or a
            field of its hyperparameters, such as learning_rate. May be given several times.
        sweep: A parameter with the values that each partition is run with: learning_rate=0.025,0.05; or a JSON list.
            May be given several times.
        limit: Runs at a time, at most; fewer where the deployment has a lower limit.
        redo: Which of those that have ended are run again; failed also means those that crashed or were cancelled.
        metric: The metric to show of each run, such as mean_rho. Without it the algorithm's own.
        cancel_running: When the backfill is stopped, also cancel runs that train. Those that have not begun always are.
        dry_run: Only show what would run, and what is there.
        json: Make the last line of stdout one JSON object: all runs with state, metric, model and page.
        debug: Show Prefect's log, and the traceback of an error.

    """
    parameters = dict(_split(each, "--param") for each in param)
    swept = {name: _values(text) for name, text in (_split(each, "--sweep") for each in sweep)}
    _check_server()
    from prefect.exceptions import TerminationSignal

    from flows.backfill import backfill as run  # Prefect, not needed before
    from flows.signals import SendAgain

    SendAgain()
    try:
        state = run(
            deployment,
            first=first,
            last=last,
            every=every,
            parameters=parameters,
            sweep=swept,
            limit=limit,
            redo=redo,
            metric=metric,
            cancel_running=cancel_running,
            dry_run=dry_run,
            return_state=True,
        )
    except TerminationSignal as end:  # SIGTERM, which Prefect takes for a flow's run
        sys.exit(128 + end.signal)
    found: Any = state.result(raise_on_failure=False)
    if isinstance(found, BaseException):
        raise found
    if json:
        print(orjson.dumps(found.model_dump()).decode(), flush=True)
    else:
        print(_table(found), flush=True)
    if state.is_cancelled():
        print("stopped; what trains goes on, and the same command goes on from here", file=sys.stderr)
        sys.exit(INTERRUPTED)
    if found.failed and not dry_run:
        print(_advice(found), file=sys.stderr)
        sys.exit(FAILED)


def _check_server() -> None:
    """A temporary server, as other commands start it, has no deployments."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL

    url = PREFECT_API_URL.value()
    if not url:
        raise EmbertextError("no Prefect server is named", where="PREFECT_API_URL", remedy=SERVER)
    with get_client(sync_client=True) as client:
        if error := client.api_healthcheck():
            raise EmbertextError(f"the Prefect server does not answer ({error})", where=url, remedy=SERVER)


def _split(given: str, option: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not (name.strip() and equals):
        raise EmbertextError("no name=value", where=f"{option} {given}", remedy=f"write {option} learning_rate=0.05")
    return name.strip(), value


def _values(text: str) -> list[Any]:
    """The values of a sweep, as strings for the deployment's schema to read; of a JSON list as they are."""
    if text.lstrip().startswith("["):
        try:
            return list(orjson.loads(text))
        except orjson.JSONDecodeError as error:
            raise EmbertextError(f"no JSON list ({error})", where=text, remedy="write [1, 2], or 1,2") from error
    return [value.strip() for value in text.split(",") if value.strip()]


def _table(found: Any) -> str:
    """Partition by parameters, aligned; below it where the models are."""
    head = ["partition", *(column or found.metric or "state" for column in found.columns)]
    lines = [*_aligned([head, *found.matrix()]), "", found.summary()]
    if found.metric and found.columns != [""]:
        lines.append(f"numbers: {found.metric}")
    models = [[row.name, row.model] for row in found.rows if row.model]
    return "\n".join([*lines, *([""] if models else []), *_aligned(models)])


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["   ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _advice(found: Any) -> str:
    """Which have failed, why, and what to do."""
    lines = [f"failed: {row.name}: {row.message or row.state}  {row.run}" for row in found.failed]
    return "\n".join([*lines, "the same command with --redo failed tries those again"])
