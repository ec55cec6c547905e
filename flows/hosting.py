"""Host models until a signal ends it: what `embertext serve` does. Without Prefect, which takes longer to start."""

import os
import socket
from collections.abc import Callable, Sequence
from typing import Any

from data.process import cores
from flows.hosted import hosted
from tasks.serve.bodies import MOST_BYTES
from tasks.serve.endpoint import create_app
from tasks.serve.metrics import Metrics, cells
from tasks.serve.models import Models, named
from tasks.serve.processes import mind, orphaned, tell_all
from tasks.serve.server import listen, run

MEGABYTE = 2**20


def host(
    models: Sequence[str],
    *,
    address: str,
    port: int,
    processes: int = 1,
    watch: float = 0,
    most_bytes: int = MOST_BYTES,
    signals: bool = True,
    tell: Callable[[str], None] = print,
) -> int:
    """Serve models until a signal, whose number is returned.

    models: addresses, as `tasks.serve.models.named` reads them. watch: seconds between looks for newer versions, 0:
    none. signals: False leaves SIGTERM and SIGINT to handlers that are there: an exception of theirs ends the
    hosting, once requests are answered. tell: hears what is served, and where, once it is.
    """
    places = named(models)
    listener = listen(address, port)
    shown = listener.getsockname()
    url = f"http://[{shown[0]}]:{shown[1]}" if ":" in shown[0] else f"http://{shown[0]}:{shown[1]}"
    told = [*(f"{name}  {place}" for name, place in places.items()), url]

    def started() -> None:
        for line in told:
            tell(line)

    with listener:
        if processes == 1 and signals:
            return _serve(places, listener, watch=watch, most_bytes=most_bytes, started=started)
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores() // processes)))  # or each would take every core
        arguments = (places, listener, watch, most_bytes, processes, cells(len(places), processes=processes))
        return mind(processes, serve_in_process, arguments, started=started, signals=signals)


def serve_in_process(
    process: int,
    ready: Callable[[], None],
    places: dict[str, str],
    listener: socket.socket,
    watch: float,
    most_bytes: int,
    processes: int,
    shared: Any,
) -> None:
    """One of several processes: see `tasks.serve.processes.Work`."""
    _serve(
        places,
        listener,
        watch=watch,
        most_bytes=most_bytes,
        started=ready,
        processes=processes,
        process=process,
        shared=shared,
    )


def _serve(
    places: dict[str, str],
    listener: socket.socket,
    *,
    watch: float,
    most_bytes: int,
    started: Callable[[], None],
    processes: int = 1,
    process: int = 0,
    shared: Any = None,
) -> int:
    models = Models(places, hosted)
    models.load()
    counts = Metrics(models, shared=shared, process=process)
    if shared is None:  # whoever started us may be a process of Prefect's, which is not to hear of reloads
        return run(
            create_app(models, counts=counts, most_bytes=most_bytes), models, listener, watch=watch, started=started
        )
    app = create_app(models, counts=counts, most_bytes=most_bytes, processes=processes, reload_others=tell_all)
    return run(app, models, listener, watch=watch, started=started, until=orphaned)
