"""Places by their names alone: what a URL is, how it goes on, what it is called. Nothing is opened."""

import glob
import posixpath
from pathlib import Path


def join(url: str, *names: str) -> str:
    """`url` with `names` below it: `join("s3://b/x/", "y.txt") == "s3://b/x/y.txt"`."""
    if is_local(url):
        return str(path_of(url).joinpath(*names))
    return "/".join([url.rstrip("/"), *(name.strip("/") for name in names)])


def absolute(url: str) -> str:
    """A local place as an absolute path, so that another process finds it too; a remote URL as it is."""
    return str(path_of(url).absolute()) if is_local(url) else url


def is_local(url: str) -> bool:
    """True for paths and `file://`; `zip::file://...` and the like are remote: fsspec opens them."""
    return "::" not in url and ("://" not in url or url.startswith(("file://", "local://")))


def is_glob(url: str) -> bool:
    """True when it has a character that stands for others."""
    return glob.has_magic(url)


def name(url: str) -> str:
    """The last part of a URL: `name("s3://b/x/y.txt") == "y.txt"`."""
    return path_of(url).name if is_local(url) else posixpath.basename(url.rstrip("/"))


def path_of(url: str) -> Path:
    """The path of a local place."""
    for prefix in ("file://", "local://"):
        url = url.removeprefix(prefix)
    return Path(url).expanduser()
