"""How a flow runs from a shell: Prefect's settings where the user made none, a quiet log, one line for an error.

Without PREFECT_API_URL Prefect starts a temporary server for the length of the command; runs are kept in PREFECT_HOME
and can be looked at afterwards with `prefect server start`.
"""

import os
import signal
import sys
from types import FrameType

from cyclopts import CycloptsError
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError
from rich.console import Console

from data.errors import EmbertextError
from data.process import deaf_children, end_with_us

DEFAULTS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # 20 is too tight on a busy machine
}


def configure(*, debug: bool) -> None:
    """Set what the user has not. Works only before Prefect is imported."""
    quiet = {} if debug else {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"}  # the server still gets every line
    for name, value in {**DEFAULTS, **quiet}.items():
        os.environ.setdefault(name, value)


def start_prefect() -> None:
    """Reach the server, or start the temporary one: some five seconds in which a person wants to see a sign of life."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL

    from flows.signals import SendAgain

    signal.signal(signal.SIGTERM, _leave)
    SendAgain()
    # the server lives on after Ctrl-C to hear of the run's end; without it Prefect would wait minutes for its answer
    with (
        deaf_children(),
        Console(stderr=True).status("starting Prefect"),
        get_client(sync_client=True) as client,
    ):
        error = client.api_healthcheck()
        _end_with_us()
    if error:
        url = PREFECT_API_URL.value()
        remedy = "start it, or unset PREFECT_API_URL to use a temporary one" if url else "see PREFECT_HOME"
        raise ConnectionError(f"{url or 'the temporary Prefect server'} does not answer ({error}); {remedy}")


def _end_with_us() -> None:
    """Nobody would stop the temporary server of a command that is killed; the next would share its database."""
    from prefect.settings import PREFECT_API_URL

    if not PREFECT_API_URL.value():
        from prefect.server.api.server import SubprocessASGIServer

        if server := SubprocessASGIServer().server_process:
            end_with_us(server.pid)


def _leave(number: int, _: FrameType | None) -> None:
    """Leave as from a shell that was told to, by way of what is to be done at exit: the temporary server is stopped."""
    sys.exit(128 + number)


def is_interrupt(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an error: inside of pydantic's serializers only the text still tells."""
    if isinstance(error, PydanticSerializationError):
        return "KeyboardInterrupt" in str(error)
    while error and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def one_line(error: BaseException) -> str:
    """What went wrong, where, and the remedy, in one line."""
    if isinstance(error, ValidationError):
        return "; ".join(_mistake(dict(detail)) for detail in error.errors())
    text = " ".join(str(error).split())
    return (
        text
        if isinstance(error, ValueError | CycloptsError) and text
        else f"{type(error).__name__}: {text}".rstrip(": ")
    )


def _mistake(detail: dict[str, object]) -> str:
    """One of pydantic's findings, as "field=value: what is expected"."""
    context = detail.get("ctx")
    error = context.get("error") if isinstance(context, dict) else None
    if isinstance(error, EmbertextError):
        return one_line(error)  # of a validator of ours, which names its field
    location = detail["loc"]
    assert isinstance(location, tuple)
    message = str(error or detail["msg"])
    return f"{'.'.join(map(str, location))}={detail['input']!r}: {message[:1].lower()}{message[1:]}"
