"""A classifier that somebody has trained: where it is, what stands for its content, and how it is read.

A fastText model.bin or model.ftz, plain or compressed; or an archive that holds a model.bin, as model.tar.gz does.
"""

import posixpath
import time
from pathlib import Path

from prefect import task
from pydantic import BaseModel

from data import storage, streams
from data.errors import EmbertextError, FormatError
from data.fasttext import Model, read_model
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
    url = storage.absolute(model)
    with progress("find"):
        fingerprint, size = storage.fingerprint(url), storage.size(url)
    log().info("%s: %s bytes", url, f"{size:,}")
    return Found(url=url, fingerprint=fingerprint, bytes=size, seconds=time.perf_counter() - start)


def read(url: str, *, scratch: Path) -> tuple[Model, str]:
    """The model, and what it is called in messages. `scratch` has room for a file that is to be unpacked.

    Raises FormatError where it is no fastText model, EmbertextError where it cannot be had.
    """
    if streams.is_archive(url) or streams.endings(url) != streams.suffix(url):
        path = scratch / BIN
        name = _unpack(url, path)
        try:
            return _read(path, name), name
        finally:
            path.unlink()
    with storage.local_path(url) as path:
        return _read(path, url), url


def _read(path: Path, name: str) -> Model:
    try:
        return read_model(path)
    except FormatError as error:  # the file has the name that the user gave it, wherever its copy lies
        raise FormatError(error.what, path=name, offset=error.offset, remedy=error.remedy) from error
    except MemoryError as error:
        raise EmbertextError("it does not fit into memory", where=name, remedy="give a smaller model") from error


def _unpack(url: str, target: Path) -> str:
    """Write the compressed model, or the model.bin in an archive, to `target`; which member it is."""
    for member in streams.Files([url], member="", size=0).members():
        if streams.is_archive(url) and posixpath.basename(member.path) != BIN:
            continue
        with target.open("wb") as file:
            while True:
                with streams.readable(member.name):
                    piece = member.stream.read(streams.PIECE)
                if not piece:
                    return member.name
                file.write(piece)
    raise EmbertextError(f"the archive holds no {BIN}", where=url, remedy=REMEDY)
