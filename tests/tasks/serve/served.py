"""A server of fake models: python -m tests.tasks.serve.served PORT PROCESSES WATCH FOLDER ..."""

import sys

from data.errors import EmbertextError
from tasks.serve.endpoint import create_app
from tasks.serve.metrics import Metrics, cells
from tasks.serve.models import Models, named
from tasks.serve.processes import mind, orphaned, tell_all
from tasks.serve.server import listen, run
from tests.tasks.serve.fake import open_fake


def work(process, ready, places, listener, watch, shared=None):
    models = Models(places, open_fake)
    models.load()
    counts = Metrics(models, shared=shared, process=process)
    if shared is None:
        return run(create_app(models, counts=counts), models, listener, watch=watch, started=ready)
    app = create_app(models, counts=counts, reload_others=tell_all)
    return run(app, models, listener, watch=watch, started=ready, until=orphaned)


def main(port, processes, watch, *folders):
    places, listener = named(folders), listen("127.0.0.1", int(port))
    if processes == "1":
        return work(0, lambda: print("ready", flush=True), places, listener, float(watch))
    shared = cells(len(places), processes=int(processes))
    return mind(
        int(processes), work, (places, listener, float(watch), shared), started=lambda: print("ready", flush=True)
    )


if __name__ == "__main__":
    try:
        print(f"ended by {main(*sys.argv[1:])}", flush=True)
    except EmbertextError as error:
        sys.exit(f"error: {error}")
