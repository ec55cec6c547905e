"""Streams that unfold: what comes out is counted, and ends with an error where it is more than it may be."""

from typing import BinaryIO, cast

from data.errors import EmbertextError
from data.streams import OPENERS, readable

PIECE = 2**20  # bytes
LARGE = "is this a model? give the archive that a training published"

_MAGIC = {b"\x1f\x8b": ".gz", b"\xfd7zXZ\x00": ".xz", b"BZh": ".bz2"}


class Counted:
    """A decompressed stream that ends with an error when it gives more than it may. name: for messages."""

    def __init__(self, name: str, stream: BinaryIO, most: int) -> None:
        self.name, self.stream, self.most, self.done = name, stream, most, 0

    def read(self, size: int) -> bytes:
        """At most `size` bytes, which is at most PIECE."""
        with readable(self.name):
            data = self.stream.read(min(size, PIECE))
        self.done += len(data)
        if self.done > self.most:
            raise EmbertextError(f"it unfolds to more than {self.most:,} bytes", where=self.name, remedy=LARGE)
        return data

    def exactly(self, size: int) -> bytes:
        """So many bytes. Raises CorpusError when the stream is shorter."""
        data = self.read(size)
        while len(data) < size:
            more = self.read(size - len(data))
            if not more:
                with readable(self.name):
                    raise EOFError("it ends too early")
            data += more
        return data


class Part:
    """The next `size` bytes of a stream."""

    def __init__(self, stream: Counted, size: int) -> None:
        self.stream, self.left = stream, size

    def read(self, size: int) -> bytes:
        """At most `size` bytes of what is left."""
        data = self.stream.exactly(min(size, self.left, PIECE))
        self.left -= len(data)
        return data

    def skip(self) -> None:
        """What nobody has read."""
        while self.read(PIECE):
            pass


def decompressed(url: str, file: BinaryIO) -> BinaryIO:
    """The stream unfolded, where its first bytes say that it is compressed."""
    begins = start(url, file)
    ending = next((each for magic, each in _MAGIC.items() if begins.startswith(magic)), "")
    with readable(url):
        return cast(BinaryIO, OPENERS[ending](file)) if ending else file


def start(url: str, file: BinaryIO) -> bytes:
    """The first bytes, by which a file's kind is told; who reads next, reads them again."""
    with readable(url):
        found = file.read(6)
        file.seek(0)
        return found
