"""Conditional writes on S3: PUT with If-None-Match or If-Match, which the server decides on.

Each writer leaves a word of its own with the object (`x-amz-meta-embertext-writer`). An answer can get lost after the
server has done what it was asked, and the client, which asks again, is then told that somebody has been there: it was
itself, as that word says. Amazon tells of a failed condition by name; Ceph by the number 412 alone, which s3fs makes
`OSError(22, None)` of: so it is the number that counts here. Ceph also refuses who is second while the first is still
writing, and nobody can read the object yet: then a refusal is worth another try.
"""

import time
import uuid
from typing import Any

WRITER = "embertext-writer"
REFUSED, BUSY, MISSING = 412, 409, 404  # a condition that does not hold; another write at this moment; nothing there
TRIES = 6
_BARE: set[str] = set()  # servers that want ETags without quotation marks


def speaks(fs: Any) -> bool:
    """Whether a file system is s3fs."""
    return hasattr(fs, "call_s3")


def create(fs: Any, path: str, data: bytes) -> bool:
    """PUT with If-None-Match: *."""
    return _put(fs, path, data, IfNoneMatch="*")


def replace(fs: Any, path: str, data: bytes, tag: str) -> bool:
    """PUT with If-Match: the ETag in quotation marks, as the standard has it; or bare, as Ceph compares it.

    Ceph refuses any other, and a refusal says nothing while the object has that tag: then it is asked the other way.
    """
    bare = tag.strip('"')
    forms = [f'"{bare}"', bare]
    for form in reversed(forms) if _server(fs) in _BARE else forms:
        if _put(fs, path, data, IfMatch=form):
            if form == bare:
                _BARE.add(_server(fs))
            return True
        if _tag(fs, path) != tag:
            break
    return False


def read_tagged(fs: Any, path: str) -> tuple[bytes, str]:
    """The content and its ETag. Asked for before and after, as somebody may write in between."""
    before = _head(fs, path)
    while True:
        data = bytes(fs.cat_file(path, max_concurrency=1))  # for more it asks a listing how large the file is
        after = _head(fs, path)
        if before["ETag"] == after["ETag"]:
            return data, str(after["ETag"])
        before = after


def _put(fs: Any, path: str, data: bytes, **condition: str) -> bool:
    """Whether it is our content that was written."""
    bucket, key, _ = fs.split_path(path)
    writer = uuid.uuid4().hex
    for attempt in range(TRIES):
        try:
            fs.call_s3("put_object", Bucket=bucket, Key=key, Body=data, Metadata={WRITER: writer}, **condition)
        except Exception as error:
            status = _status(error)
            busy = status == BUSY or (status == REFUSED and "IfNoneMatch" in condition and not _tag(fs, path))
            if busy and attempt < TRIES - 1:
                time.sleep(0.1 * 2**attempt)
            elif status == REFUSED or (status == MISSING and "IfMatch" in condition and _exists(fs, bucket)):
                return _written_by(fs, path) == writer
            elif status is None or status >= 500:  # nobody knows whether it was done
                if _asked(fs, path) != writer:
                    raise
                return True
            else:
                raise
        else:
            fs.invalidate_cache(path)
            return True
    raise AssertionError("the last attempt returns or raises")


def _head(fs: Any, path: str) -> dict[str, Any]:
    bucket, key, _ = fs.split_path(path)
    head: dict[str, Any] = fs.call_s3("head_object", Bucket=bucket, Key=key)
    return head


def _server(fs: Any) -> str:
    return str(fs._fs_token)


def _tag(fs: Any, path: str) -> str:
    """The ETag of now; "" where there is nothing."""
    try:
        return str(_head(fs, path)["ETag"])
    except FileNotFoundError:
        return ""


def _written_by(fs: Any, path: str) -> str:
    """The writer's word that lies with the object."""
    try:
        return str(_head(fs, path).get("Metadata", {}).get(WRITER, ""))
    except FileNotFoundError:
        return ""


def _asked(fs: Any, path: str) -> str:
    """The same of a server that has failed to answer, and may well do so again."""
    try:
        return _written_by(fs, path)
    except Exception:  # what the caller has seen is what is told
        return ""


def _exists(fs: Any, bucket: str) -> bool:
    try:
        fs.call_s3("head_bucket", Bucket=bucket)
    except FileNotFoundError:
        return False
    return True


def _status(error: BaseException | None) -> int | None:
    """The number of the server's answer, None where there was none."""
    while error:
        if response := getattr(error, "response", None):
            return int(response["ResponseMetadata"]["HTTPStatusCode"])
        error = error.__cause__
    return None
