"""`embertext serve` as a process of its own, with a small model of each algorithm."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from tests.services.conftest import free_port, process, wait_for
from tests.small_models import publish


class Hosted(NamedTuple):
    """Its address, and the published folders of its models by their algorithms."""

    url: str
    folders: dict[str, str]


@contextmanager
def hosting(folder: Path, *options: object) -> Iterator[Hosted]:
    folders, port = publish(folder / "models"), free_port()
    models = [f"{algorithm.replace('_', '-')}={place}" for algorithm, place in folders.items()]
    command = (sys.executable, "-m", "flows.cli", "serve", *models, "--port", port, "--watch", "0.2", *options)
    with process(*command, log=folder / "serve.log"):
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: httpx.get(f"{url}/ping").status_code == 200, seconds=60, what="embertext serve")
        yield Hosted(url, folders)
