"""Bytes at a place: a local path or any URL that fsspec opens. The home of fsspec.

It knows files, folders and their errors; what the bytes mean is the business of others. Places are `str`: a path, or
`file://`, `memory://`, `s3://` ... URLs. Keys and endpoints come from where each library looks for them (S3:
`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_ENDPOINT_URL`, or fsspec's configuration files).

Writing is atomic: locally a temporary file in the same folder that takes the name when it is whole, remotely one PUT
(or one multipart upload, which appears when it is complete). What cannot be done is a `StorageError`.
"""

import contextlib
import errno
import glob
import hashlib
import posixpath
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
import orjson

from data.errors import CorpusError, StorageError

BLOCK_SIZE = 8 * 2**20  # bytes a remote read asks for at a time

_CREDENTIALS = "give keys that may do this (for s3://, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)"
_REACH = "check the network and the endpoint (for s3://, AWS_ENDPOINT_URL)"


def join(url: str, *names: str) -> str:
    """`url` with `names` below it: `join("s3://b/x/", "y.txt") == "s3://b/x/y.txt"`."""
    if is_local(url):
        return str(_path(url).joinpath(*names))
    return "/".join([url.rstrip("/"), *(name.strip("/") for name in names)])


def absolute(url: str) -> str:
    """A local place as an absolute path, so that another process finds it too; a remote URL as it is."""
    return str(_path(url).absolute()) if is_local(url) else url


def is_local(url: str) -> bool:
    """True for paths and `file://`; `zip::file://...` and the like are remote: fsspec opens them."""
    return "::" not in url and ("://" not in url or url.startswith(("file://", "local://")))


def name(url: str) -> str:
    """The last part of a URL: `name("s3://b/x/y.txt") == "y.txt"`."""
    return _path(url).name if is_local(url) else posixpath.basename(url.rstrip("/"))


def exists(url: str) -> bool:
    """True when a file or folder is there."""
    if is_local(url):
        return _path(url).exists()
    with _told(url, "look at"):
        fs, path = _remote(url)
        return bool(fs.exists(path))


def size(url: str) -> int:
    """Bytes of one file."""
    with _told(url, "read"):
        if is_local(url):
            return _path(url).stat().st_size
        fs, path = _remote(url)
        return int(fs.size(path) or 0)  # None from servers that do not say


def expand(url: str) -> list[str]:
    """The files behind a file, a glob or a folder (with its subfolders), sorted. `CorpusError` when there are none.

    A folder's hidden files, and those that begin with "_" as Hadoop and Spark mark them (`_SUCCESS`), are left out.
    """
    with _told(url, "list"):
        found = _expand_local(_path(url)) if is_local(url) else _expand_remote(url)
    if not found:
        if not _is_glob(url) and exists(url):
            raise CorpusError("the folder holds no files", where=url, remedy="put text into it, or give another place")
        what = "no file matches" if _is_glob(url) else "no such file or folder"
        raise CorpusError(
            what, where=url, remedy="check the spelling, or give a file, a folder or a glob like data/*.txt"
        )
    return sorted(found)


def open_read(url: str) -> BinaryIO:
    """A binary stream from the start of a file. The caller closes it."""
    with _told(url, "read"):
        if is_local(url):
            return _path(url).open("rb")
        fs, path = _remote(url)
        stream: BinaryIO = fs.open(path, "rb", block_size=BLOCK_SIZE)
        return stream


def read_bytes(url: str) -> bytes:
    """The whole content of a file."""
    with _told(url, "read"):
        if is_local(url):
            return _path(url).read_bytes()
        fs, path = _remote(url)
        return bytes(fs.cat_file(path))


def read_part(url: str, start: int, stop: int | None) -> bytes:
    """Bytes start..stop-1 of a file, and no others are fetched."""
    with _told(url, "read"):
        if is_local(url):
            with _path(url).open("rb") as stream:
                stream.seek(start)
                return stream.read(-1 if stop is None else max(0, stop - start))
        fs, path = _remote(url)
        return bytes(fs.cat_file(path, start=start, end=stop)) if stop is None or stop > start else b""


def write_bytes(url: str, data: bytes) -> None:
    """Write a whole file atomically; missing folders are made."""
    with _told(url, "write"):
        if is_local(url):
            with _replacing(_path(url)) as temporary:
                temporary.write_bytes(data)
        else:
            fs, path = _remote(url)
            fs.pipe_file(path, data)


def read_json(url: str) -> Any:
    """The value in a JSON file."""
    try:
        return orjson.loads(read_bytes(url))
    except orjson.JSONDecodeError as error:
        raise StorageError(f"not JSON ({error})", where=url, remedy="write the file anew") from error


def write_json(url: str, value: Any) -> None:
    """Write `value` as indented JSON, its keys in the order given; numpy arrays and scalars become numbers."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
    write_bytes(url, orjson.dumps(value, option=options))


@contextlib.contextmanager
def local_path(url: str) -> Iterator[Path]:
    """A path that local tools can open: the file itself, or a temporary copy of a remote one."""
    if is_local(url):
        yield _path(url)
        return
    with tempfile.TemporaryDirectory(prefix="embertext-") as folder:
        target = Path(folder, name(url))
        with _told(url, "read"):
            fs, path = _remote(url)
            fs.get_file(path, str(target))
        yield target


def put(path: Path, url: str) -> None:
    """Copy the local file `path` to `url` atomically; big files go to S3 in parts."""
    with _told(url, "write"):
        if is_local(url):
            with _replacing(_path(url)) as temporary:
                shutil.copyfile(path, temporary)
        else:
            fs, target = _remote(url)
            fs.put_file(str(path), target)


def remove(url: str) -> None:
    """Delete a file, or a folder with all that is in it; nothing there is no error."""
    with _told(url, "delete"):
        if is_local(url):
            path = _path(url)
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        else:
            fs, path_there = _remote(url)
            with contextlib.suppress(FileNotFoundError):
                fs.rm(path_there, recursive=True)


def fingerprint(url: str) -> str:
    """What changes when the file does: "sha256:..." of its content, or what a server says of it without a download.

    That is "etag:...:<bytes>" or "modified:...:<bytes>". fsspec's own `ukey` will not do: of a web page it is a hash
    of the address.
    """
    with _told(url, "read"):
        if is_local(url):
            with _path(url).open("rb") as stream:
                return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
        fs, path = _remote(url)
        info = fs.info(path)
        for kind, names in (("etag", ("ETag", "etag")), ("modified", ("Last-Modified", "LastModified", "mtime"))):
            if told := next((info[name] for name in names if info.get(name)), None):
                stamp = str(told).strip('"')
                return f"{kind}:{stamp}:{info.get('size')}"
        content = hashlib.sha256()
        with fs.open(path, "rb", block_size=BLOCK_SIZE) as stream:
            while piece := stream.read(BLOCK_SIZE):
                content.update(piece)
        return "sha256:" + content.hexdigest()


def check_writable(url: str) -> None:
    """Raise `StorageError` now, and not after hours of training, when the folder `url` cannot be written to."""
    with _told(url, "write to"):
        if is_local(url):
            folder = _path(url).absolute()
            while not (folder.exists() or folder.is_symlink()):
                folder = folder.parent
            try:
                with tempfile.TemporaryFile(dir=folder):  # asks the file system: permission bits say nothing to root
                    pass
            except FileNotFoundError as error:  # the folder is there: so /proc refuses
                raise OSError("it takes no files") from error
        else:
            fs, path = _remote(join(url, f".embertext-{uuid.uuid4().hex}"))
            fs.pipe_file(path, b"")
            with contextlib.suppress(OSError):  # keys that may write and not delete are enough
                fs.rm_file(path)


def failure(error: OSError, url: str, verb: str) -> StorageError:
    """What an `OSError` means to a person who wanted to `verb` the place `url`, in one line."""
    what, remedy = _reason(error, url)
    return StorageError(f"cannot {verb} it: {what}", where=url, remedy=remedy)


def _path(url: str) -> Path:
    """The path of a local place."""
    for prefix in ("file://", "local://"):
        url = url.removeprefix(prefix)
    return Path(url).expanduser()


def _remote(url: str) -> tuple[Any, str]:
    """The file system and the path in it. No region is passed: s3fs would send it as a constraint to every server."""
    fs, path = fsspec.core.url_to_fs(url)
    return fs, str(path)


def _is_glob(url: str) -> bool:
    return glob.has_magic(url)


def _expand_local(path: Path) -> list[str]:
    path = path.absolute()
    if path.is_dir():
        return [str(each) for each in path.rglob("*") if each.is_file() and _is_data(each.relative_to(path).parts)]
    if path.exists() or not _is_glob(str(path)):
        return [str(path)] if path.exists() else []
    return [each for each in glob.glob(str(path), recursive=True) if Path(each).is_file()]  # noqa: PTH207 - absolute


def _expand_remote(url: str) -> list[str]:
    fs, path = _remote(url)
    if fs.isfile(path):
        return [url]
    if _is_glob(path):
        return [
            fs.unstrip_protocol(each) for each, info in fs.glob(path, detail=True).items() if info["type"] == "file"
        ]
    if not fs.isdir(path):
        return []
    root = path.strip("/")
    found = [str(each) for each in fs.find(path)]
    return [fs.unstrip_protocol(each) for each in found if _is_data(tuple(each.strip("/")[len(root) :].split("/")))]


def _is_data(parts: tuple[str, ...]) -> bool:
    return not any(part.startswith((".", "_")) for part in parts)


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well, and goes when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _told(url: str, verb: str) -> Iterator[None]:
    """Turn what file systems raise into one line that says where, what and the remedy."""
    try:
        yield
    except (StorageError, CorpusError):
        raise
    except OSError as error:
        raise failure(error, url, verb) from error
    except ImportError as error:
        raise StorageError(f"cannot {verb} it: {error}", where=url, remedy="pip install that package") from error
    except ValueError as error:
        known = "use a path or a URL like s3://bucket/key"
        raise StorageError(f"cannot {verb} it: {_line(error)}", where=url, remedy=known) from error
    except Exception as error:
        if not type(error).__module__.startswith(("botocore", "aiobotocore", "aiohttp", "requests")):
            raise
        remedy = _CREDENTIALS if "Credentials" in type(error).__name__ else _REACH
        raise StorageError(f"cannot {verb} it: {_line(error)}", where=url, remedy=remedy) from error


def _reason(error: OSError, url: str) -> tuple[str, str]:
    """What an `OSError` means to a person, and what to do."""
    local = is_local(url)
    if isinstance(error, FileNotFoundError):
        return (
            ("no such file or folder", "check the spelling")
            if local
            else (
                "no such object or bucket",
                "check the spelling, and create the bucket if it is new",
            )
        )
    if isinstance(error, PermissionError):
        return "permission denied", "choose a place you may use, or change its permissions" if local else _CREDENTIALS
    if isinstance(error, NotADirectoryError | FileExistsError) and local:
        return "a part of the path is a file, not a folder", "choose another place"
    if isinstance(error, IsADirectoryError):
        return "it is a folder", "give a file's name"
    if error.errno == errno.EROFS:
        return "the file system is read-only", "choose another place"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space is left", "free some space or choose another place"
    if isinstance(error, ConnectionError | TimeoutError):
        return _line(error) or "no connection", _REACH
    return _line(error), "choose another place" if local else _REACH


def _line(error: BaseException) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
