"""A classifier that somebody has trained: where it is, what stands for its content, and how it is read.

A fastText model.bin or model.ftz, plain or compressed; or an archive that holds a model.bin, as model.tar.gz does.
"""

import tempfile
import time
from pathlib import Path

from prefect import task
from pydantic import BaseModel

from data import archives, storage, streams
from data.errors import EmbertextError, FormatError
from data.fasttext import Model, read_model
from data.registry.reference import resolved
from tasks.network import NETWORK
from tasks.progress import log, progress

BIN = "model.bin"
REMEDY = "give a fastText model.bin or model.ftz, or the model.tar.gz of a text classification"


class Found(BaseModel, frozen=True):
    """url: of the file; fingerprint: changes when its content does; bytes: its size; seconds: what finding it took."""

    url: str
    fingerprint: str
    bytes: int
    seconds: float

    @property
    def name(self) -> str:
        """The file's own."""
        return storage.name(self.url)


@task(name="find", description="Find the model, take the fingerprint of its content.", **NETWORK)
def find(model: str) -> Found:
    """Raises EmbertextError where there is no file, or it cannot be reached."""
    start = time.perf_counter()
    if not model.strip():
        raise EmbertextError("no model is given", where="model", remedy=REMEDY)
    url = storage.absolute(resolved(model, archive=True))
    with progress("find"):
        fingerprint, size = storage.fingerprint(url), storage.size(url)
    log().info("%s: %s bytes", url, f"{size:,}")
    return Found(url=url, fingerprint=fingerprint, bytes=size, seconds=time.perf_counter() - start)


def read(url: str, *, scratch: Path) -> tuple[Model, str]:
    """The model, and what it is called in messages. `scratch` has room for a file that is to be unpacked.

    Raises FormatError where it is no fastText model, EmbertextError where it cannot be had.
    """
    if streams.is_archive(url) or streams.endings(url) != streams.suffix(url):
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            path, name = Path(folder, BIN), url
            if streams.is_archive(url):
                archives.unpacked(url, Path(folder), names={BIN}, remedy=REMEDY)
                name = f"{url}!{BIN}"
            else:
                archives.inflated(url, path)
            return _read(path, name), name
    with storage.local_path(url) as path:
        return _read(path, url), url


def _read(path: Path, name: str) -> Model:
    try:
        return read_model(path)
    except FormatError as error:  # the file has the name that the user gave it, wherever its copy lies
        raise FormatError(error.what, path=name, offset=error.offset, remedy=error.remedy) from error
    except MemoryError as error:
        raise EmbertextError("it does not fit into memory", where=name, remedy="give a smaller model") from error
