"""Which model is behind an address now: the newest of those published there, and what tells it from an older one.

    a model.tar.gz, or another file        itself
    a published folder, one of files       itself; a published one is as new as its manifest, which is written last
    a folder of published folders, a glob  the newest of them that holds a model: `artifacts`, `artifacts/word2vec-*`
    an address in a registry               the model that it names: `registry/words@champion`, `registry/words@3`

Nothing is opened to tell.
"""

import glob
import hashlib
from pathlib import Path
from typing import Any, NamedTuple

from data import storage
from data.errors import CorpusError, StorageError
from data.registry.reference import resolved

MANIFEST, ARCHIVE = "manifest.json", "model.tar.gz"


class Version(NamedTuple):
    """url: what to open. name: differs from that of any other version. created: ISO 8601, or "" where nothing tells."""

    url: str
    name: str
    created: str = ""


def newest(url: str, *, algorithm: str = "") -> Version:
    """The version that is behind `url` now. Raises StorageError or CorpusError when there is none.

    algorithm: where several models are below a folder, those of this algorithm alone; "" takes any.
    """
    url = resolved(url)
    if url.endswith((".tar.gz", ".tgz")):
        return Version(url, _name(url, _stamp(url)))
    if not glob.has_magic(url):
        manifest = storage.join(url, MANIFEST)
        if storage.exists(manifest):
            return Version(url, _name(url, storage.fingerprint(manifest)), _created(storage.read_json(manifest)))
    found = _published(url, algorithm)
    if found:
        created, place, stamp = max(found)
        return Version(place, _name(place, stamp), created)
    if glob.has_magic(url) or (algorithm and not storage.exists(url)):
        kind = f"{algorithm} " if algorithm else ""
        raise StorageError(f"no published {kind}model matches", where=url, remedy=f"{MANIFEST} marks one that is whole")
    return Version(url, _name(url, *map(_stamp, storage.expand(url))))


def _published(url: str, algorithm: str) -> list[tuple[str, str, str]]:
    """When, where and the manifest's fingerprint of each model whose folder is right below `url`, or matches it."""
    pattern = storage.join(url, MANIFEST) if glob.has_magic(url) else storage.join(url, "*", MANIFEST)
    try:
        manifests = storage.expand(pattern)
    except CorpusError:
        return []
    found = []
    for place in manifests:
        manifest = storage.read_json(place)
        fits = isinstance(manifest, dict) and algorithm in ("", manifest.get("algorithm"))
        if fits and ARCHIVE in manifest.get("files", {}):
            found.append((_created(manifest), place.removesuffix(MANIFEST).rstrip("/"), storage.fingerprint(place)))
    return found


def _created(manifest: Any) -> str:
    return str(manifest.get("created", "")) if isinstance(manifest, dict) else ""


def _stamp(url: str) -> str:
    """What changes when a file does; of a local one without reading it."""
    if not storage.is_local(url):
        return storage.fingerprint(url)
    path = Path(storage.absolute(url))
    try:
        status = path.stat()
    except OSError as error:
        raise storage.failure(error, url, "read") from error
    return f"{path.name}:{status.st_mtime_ns}:{status.st_size}:{status.st_ino}"


def _name(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
