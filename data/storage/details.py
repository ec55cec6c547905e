"""Files below a folder, with their sizes and when they were last written: by one listing, where a store gives these."""

from datetime import datetime
from typing import NamedTuple

from data.storage.failures import told
from data.storage.places import is_local, path_of
from data.storage.remote import opened, unstripped


class Detail(NamedTuple):
    """modified: seconds since 1970, None where the store does not say."""

    url: str
    bytes: int
    modified: float | None


def details(url: str) -> list[Detail]:
    """Of every file below a folder, hidden ones too, sorted, as they are now; none where it is not there."""
    with told(url, "list"):
        if is_local(url):
            root = path_of(url).absolute()
            found = []
            for path in root.rglob("*"):
                try:
                    stat = path.stat()
                except FileNotFoundError:  # gone since, such as a temporary file that got its name
                    continue
                if path.is_file():
                    found.append(Detail(str(path), stat.st_size, stat.st_mtime))
            return sorted(found)
        fs, path_there = opened(url)
        fs.invalidate_cache()
        listed = fs.find(path_there, detail=True) if fs.exists(path_there) else {}
        return sorted(
            Detail(unstripped(fs, each), int(info.get("size") or 0), _moment(info)) for each, info in listed.items()
        )


def _moment(info: dict[str, object]) -> float | None:
    """By whichever name a file system has it."""
    for name in ("LastModified", "mtime", "created", "last_modified"):
        if isinstance(found := info.get(name), datetime):
            return found.timestamp()
        if isinstance(found, int | float):
            return float(found)
    return None
