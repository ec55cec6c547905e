import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from data import storage
from data.errors import StorageError
from data.storage import conditional_local, conditional_s3


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """A bucket of moto's, in this process."""
    import s3fs
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "A",
            "AWS_SECRET_ACCESS_KEY": "S",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            patch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        s3fs.S3FileSystem().mkdir("bucket")
        yield "s3://bucket"
        s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.fixture(params=["path", "file", "memory", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty folder at each kind of place."""
    if request.param in ("memory", "s3"):
        start = request.getfixturevalue("s3") if request.param == "s3" else "memory://bucket"
        return f"{start}/{uuid.uuid4().hex}"
    return str(tmp_path) if request.param == "path" else f"file://{tmp_path}"


def at_once(number: int, work: Any) -> list[Any]:
    """What threads return that begin together."""
    barrier, found = threading.Barrier(number), [None] * number

    def one(i: int) -> None:
        barrier.wait()
        found[i] = work(i)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_a_file_is_created_once(root: str, tmp_path: Path) -> None:
    url = storage.join(root, "deep", "a.json")
    assert storage.create(url, b"first")
    assert not storage.create(url, b"second")
    assert storage.read_bytes(url) == b"first"
    assert storage.names(storage.join(root, "deep")) == ["a.json"]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] in (["a.json"], [])


def test_what_was_read_is_replaced_and_nothing_else(root: str) -> None:
    url = storage.join(root, "a.json")
    storage.create(url, b"one")
    content, tag = storage.read_tagged(url)
    assert content == b"one"
    assert storage.replace(url, b"two", tag)
    assert not storage.replace(url, b"three", tag)
    assert storage.read_bytes(url) == b"two"
    assert storage.replace(url, b"three", storage.read_tagged(url)[1])
    storage.remove(url)
    assert not storage.replace(url, b"four", tag)
    assert not storage.exists(url)
    with pytest.raises(StorageError, match=r"a\.json: cannot read it"):
        storage.read_tagged(url)


def test_of_several_one_wins_and_nothing_is_lost(root: str) -> None:
    once, counter = storage.join(root, "once"), storage.join(root, "counter")
    assert sorted(at_once(8, lambda i: storage.create(once, b"%d" % i))) == [False] * 7 + [True]
    storage.create(counter, b"0")

    def count(_: int) -> None:
        for _ in range(3):
            while True:
                content, tag = storage.read_tagged(counter)
                if storage.replace(counter, b"%d" % (int(content) + 1), tag):
                    break

    at_once(4, count)
    assert storage.read_bytes(counter) == b"12"


def test_names_are_those_of_now(root: str) -> None:
    assert storage.names(storage.join(root, "none")) == []
    folder = storage.join(root, "folder")
    for name in ("b.json", "a.json", "below/c.json", ".hidden"):
        storage.write_bytes(storage.join(folder, name), b"x")
    assert storage.names(folder) == ["a.json", "b.json", "below"]
    fs, path = fsspec.core.url_to_fs(storage.join(folder, "other.json"))
    fs.pipe_file(path, b"x")  # as another process writes
    assert "other.json" in storage.names(folder)


def test_a_server_that_takes_no_notice_is_found_out(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = storage.join(root, "registry")
    storage.check_conditional(place)
    assert storage.names(place) == []
    monkeypatch.setattr("data.storage.conditional.create", lambda *_: True)
    with pytest.raises(StorageError, match="its server writes whatever the condition"):
        storage.check_conditional(place)


class Answers:
    """s3fs's file system, some of whose answers to PUT get lost on their way: after it was done, or before."""

    def __init__(self, genuine: Any, *, after: bool, status: int | None = None) -> None:
        self.genuine, self.after, self.status, self.lost = genuine, after, status, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.genuine, name)

    def call_s3(self, method: str, **given: Any) -> Any:
        if method != "put_object" or self.lost:
            return self.genuine.call_s3(method, **given)
        self.lost += 1
        if self.after:
            self.genuine.call_s3(method, **given)
        if self.status:
            return self.genuine.call_s3(method, **given)  # the client asks again by itself
        raise ConnectionResetError("reset by peer")


def test_a_lost_answer_is_looked_up(s3: str) -> None:
    genuine, path = fsspec.core.url_to_fs(f"{s3}/{uuid.uuid4().hex}")
    assert conditional_s3.create(Answers(genuine, after=True), path, b"mine")
    assert not conditional_s3.create(Answers(genuine, after=True, status=412), path, b"mine")
    other = f"{path}-2"
    assert conditional_s3.create(Answers(genuine, after=True, status=412), other, b"mine")
    tag = conditional_s3.read_tagged(genuine, other)[1]
    assert conditional_s3.replace(Answers(genuine, after=True), other, b"again", tag)
    with pytest.raises(ConnectionResetError):
        conditional_s3.create(Answers(genuine, after=False), f"{path}-3", b"mine")
    assert not genuine.exists(f"{path}-3")


def test_a_disk_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    place = tmp_path / "a"
    assert sorted(at_once(4, lambda i: conditional_local.create(place, b"%d" % i))) == [False] * 3 + [True]


WAITING = """
import os, sys
from pathlib import Path
from data.storage import conditional_local
Path.replace = lambda *_: os.kill(os.getpid(), 9)
conditional_local.replace(Path(sys.argv[1]), b"new", conditional_local.read_tagged(Path(sys.argv[1]))[1])
"""


def test_a_process_that_is_killed_holds_no_lock(tmp_path: Path) -> None:
    place = tmp_path / "a"
    conditional_local.create(place, b"old")
    root = Path(__file__).parent.parent.parent
    killed = subprocess.run([sys.executable, "-c", WAITING, str(place)], cwd=root, check=False)
    assert killed.returncode == -9
    assert place.read_bytes() == b"old"
    assert conditional_local.replace(place, b"new", conditional_local.read_tagged(place)[1])
    assert place.read_bytes() == b"new"


def test_stores_that_replace_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Store:
        protocol = "gs"

        def pipe_file(self, path: str, data: bytes, mode: str) -> None:
            raise NotImplementedError

    monkeypatch.setattr("data.storage.conditional.opened", lambda url: (Store(), "a/b"))
    with pytest.raises(StorageError, match="replaces nothing on a condition; keep it on a disk or on S3"):
        storage.replace("gs://a/b", b"", "tag")
    with pytest.raises(StorageError, match="creates nothing exclusively"):
        storage.create("gs://a/b", b"")
