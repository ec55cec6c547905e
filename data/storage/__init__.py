"""Bytes at a place: a local path or any URL that fsspec opens.

It knows files, folders and their errors; what the bytes mean is the business of others. Places are `str`: a path, or
`file://`, `memory://`, `s3://` ... URLs. Keys and endpoints come from where each library looks for them (S3:
`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_ENDPOINT_URL`, or fsspec's configuration files).

    places         what a URL is, by its name            files          one file: read, written, copied
    listing        files behind a glob or a folder       values         JSON in files
    details        their sizes and times, in a folder
    fingerprints   what changes when a file does         conditional    of several writers one wins
    remote         fsspec's home                         failures       errors in one line

Writing is atomic: locally a temporary file in the same folder that takes the name when it is whole, remotely one PUT
(or one multipart upload, which appears when it is complete). What cannot be done is a `StorageError`.
"""

from data.storage.conditional import check_conditional, create, look, read_tagged, replace
from data.storage.details import Detail, details
from data.storage.failures import failure
from data.storage.files import (
    check_writable,
    exists,
    local_path,
    open_read,
    put,
    read_bytes,
    read_part,
    remove,
    size,
    write_bytes,
)
from data.storage.fingerprints import fingerprint
from data.storage.listing import expand, names
from data.storage.places import absolute, is_local, join, name
from data.storage.values import from_json, read_json, to_json, write_json

__all__ = [
    "Detail",
    "absolute",
    "check_conditional",
    "check_writable",
    "create",
    "details",
    "exists",
    "expand",
    "failure",
    "fingerprint",
    "from_json",
    "is_local",
    "join",
    "local_path",
    "look",
    "name",
    "names",
    "open_read",
    "put",
    "read_bytes",
    "read_json",
    "read_part",
    "read_tagged",
    "remove",
    "replace",
    "size",
    "to_json",
    "write_bytes",
    "write_json",
]
