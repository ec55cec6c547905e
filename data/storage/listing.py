"""Files behind a file, a glob or a folder."""

import glob
from pathlib import Path

from data.errors import CorpusError
from data.storage.failures import told
from data.storage.files import exists
from data.storage.places import is_glob, is_local, path_of
from data.storage.remote import opened, unstripped


def expand(url: str) -> list[str]:
    """The files behind a file, a glob or a folder (with its subfolders), sorted. `CorpusError` when there are none.

    A folder's hidden files, and those that begin with "_" as Hadoop and Spark mark them (`_SUCCESS`), are left out.
    """
    with told(url, "list"):
        found = _expand_local(path_of(url)) if is_local(url) else _expand_remote(url)
    if not found:
        if not is_glob(url) and exists(url):
            raise CorpusError("the folder holds no files", where=url, remedy="put text into it, or give another place")
        what = "no file matches" if is_glob(url) else "no such file or folder"
        raise CorpusError(
            what, where=url, remedy="check the spelling, or give a file, a folder or a glob like data/*.txt"
        )
    return sorted(found)


def names(url: str) -> list[str]:
    """Names of the files and folders directly in a folder, sorted, as it is now; none where it is not there."""
    with told(url, "list"):
        if is_local(url):
            path = path_of(url)
            return sorted(each.name for each in path.iterdir() if _is_data((each.name,))) if path.is_dir() else []
        fs, path_there = opened(url)
        fs.invalidate_cache(path_there)
        try:
            found = [str(each).rstrip("/").rsplit("/", 1)[-1] for each in fs.ls(path_there, detail=False)]
        except FileNotFoundError:
            return []
        own = path_there.rstrip("/").rsplit("/", 1)[-1]  # a marker of the folder itself, as S3's console leaves
        return sorted({each for each in found if each and each != own and _is_data((each,))})


def _expand_local(path: Path) -> list[str]:
    path = path.absolute()
    if path.is_dir():
        return [str(each) for each in path.rglob("*") if each.is_file() and _is_data(each.relative_to(path).parts)]
    if path.exists() or not is_glob(str(path)):
        return [str(path)] if path.exists() else []
    return [each for each in glob.glob(str(path), recursive=True) if Path(each).is_file()]  # noqa: PTH207 - absolute


def _expand_remote(url: str) -> list[str]:
    fs, path = opened(url)
    if fs.isfile(path):
        return [url]
    if is_glob(path):
        return [unstripped(fs, each) for each, info in fs.glob(path, detail=True).items() if info["type"] == "file"]
    if not fs.isdir(path):
        return []
    root = path.strip("/")
    found = [str(each) for each in fs.find(path)]
    return [unstripped(fs, each) for each in found if _is_data(tuple(each.strip("/")[len(root) :].split("/")))]


def _is_data(parts: tuple[str, ...]) -> bool:
    return not any(part.startswith((".", "_")) for part in parts)
