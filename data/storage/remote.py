"""A URL -> the file system that opens it, and the path in that. The home of fsspec.

S3 is asked again when it fails to answer, for about half a minute altogether and not for the minutes that its clients
would spend by themselves: they try five times, each of them five times more. Who has set AWS_MAX_ATTEMPTS or
AWS_RETRY_MODE, or `config_kwargs` in fsspec's configuration, is left with that. A listing is believed for some seconds:
s3fs would for as long as the process lives, and never see what others have written since.
"""

import os
from typing import Any

import fsspec

BLOCK_SIZE = 8 * 2**20  # bytes a remote read asks for at a time
LISTED = 10.0  # seconds that a listing is believed
ATTEMPTS = 3  # at one request, by botocore; s3fs makes five of them where the server is slow or the line is cut
CONNECT, READ = 5, 30  # seconds until nobody is there; until a server that took the request is silent for good


def opened(url: str) -> tuple[Any, str]:
    """The file system and the path in it. No region is passed: s3fs would send it as a constraint to every server."""
    fs, path = fsspec.core.url_to_fs(url, **({"s3": _s3()} if "s3://" in url else {}))
    return fs, str(path)


def unstripped(fs: Any, path: str) -> str:
    """The URL of a path in a file system."""
    return str(fs.unstrip_protocol(path))


def _s3() -> dict[str, Any]:
    """Settings of s3fs where nobody has any."""
    given = fsspec.config.conf.get("s3", {})
    settings: dict[str, Any] = {} if "listings_expiry_time" in given else {"listings_expiry_time": LISTED}
    if "config_kwargs" not in given:
        settings["config_kwargs"] = {"connect_timeout": CONNECT, "read_timeout": READ}
        if not {"AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE"} & os.environ.keys():
            settings["config_kwargs"]["retries"] = {"total_max_attempts": ATTEMPTS, "mode": "standard"}
    return settings
