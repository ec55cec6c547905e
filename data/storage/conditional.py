"""Writing on a condition: when nothing is there, or when what is there is what was read. Of several writers one wins.

    create(url, data)            exclusive creation
    read_tagged(url), look(url)  the content, and a tag that stands for it
    replace(url, data, tag)      in the place of what has this tag, and of nothing else

On a disk, in memory and on S3; other stores can create (by fsspec's `mode="create"`) and not replace. Who reads while
others write sees one whole content or another. Kept between processes, and on S3 between machines.
"""

import contextlib
import uuid

from data.errors import StorageError
from data.storage import conditional_local, conditional_memory, conditional_s3
from data.storage.failures import told
from data.storage.files import remove
from data.storage.places import is_local, join, path_of
from data.storage.remote import opened

UNKNOWN = "keep it on a disk or on S3"


def create(url: str, data: bytes) -> bool:
    """Write a file that is not there; missing folders are made. False when it is there, which then stays as it is."""
    with told(url, "create"):
        if is_local(url):
            return conditional_local.create(path_of(url), data)
        fs, path = opened(url)
        if conditional_s3.speaks(fs):
            return conditional_s3.create(fs, path, data)
        if conditional_memory.is_memory(fs):
            return conditional_memory.create(fs, path, data)
        try:
            fs.pipe_file(path, data, mode="create")
        except FileExistsError:
            return False
        except (NotImplementedError, TypeError) as error:
            raise StorageError("this store creates nothing exclusively", where=url, remedy=UNKNOWN) from error
        return True


def read_tagged(url: str) -> tuple[bytes, str]:
    """The whole content of a file, and a tag for `replace`."""
    with told(url, "read"):
        if is_local(url):
            return conditional_local.read_tagged(path_of(url))
        fs, path = opened(url)
        if conditional_s3.speaks(fs):
            return conditional_s3.read_tagged(fs, path)
        return conditional_memory.read_tagged(fs, path)


def look(url: str) -> tuple[bytes, str] | None:
    """What `read_tagged` gives, as it is now; None where there is no such file."""
    try:
        return read_tagged(url)
    except StorageError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise


def replace(url: str, data: bytes, tag: str) -> bool:
    """Write `data` in the place of the content that `read_tagged` gave this tag. False when it is another by now."""
    with told(url, "replace"):
        if is_local(url):
            return conditional_local.replace(path_of(url), data, tag)
        fs, path = opened(url)
        if conditional_s3.speaks(fs):
            return conditional_s3.replace(fs, path, data, tag)
        if conditional_memory.is_memory(fs):
            return conditional_memory.replace(fs, path, data, tag)
        raise StorageError("this store replaces nothing on a condition", where=url, remedy=UNKNOWN)


def check_conditional(url: str) -> None:
    """Raise `StorageError` now when the folder `url` cannot be written to, or its server takes no notice of conditions.

    Some that speak S3 do not, and two writers would both be told that they have won.
    """
    probe = join(url, f".embertext-{uuid.uuid4().hex}")
    try:
        if not create(probe, b"1") or create(probe, b"2"):
            what = "its server writes whatever the condition, so that two writers at once would lose one's work"
            raise StorageError(what, where=url, remedy=UNKNOWN + " whose server knows If-None-Match")
    finally:
        with contextlib.suppress(StorageError):  # keys that may write and not delete are enough
            remove(probe)
