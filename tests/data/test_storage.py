import errno
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import numpy as np
import pytest

from data import storage
from data.errors import CorpusError, EmbertextError, StorageError


@pytest.fixture(params=["path", "file", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty folder at each kind of place."""
    if request.param == "memory":
        fsspec.filesystem("memory").store.clear()
        return "memory://bucket/root"
    return str(tmp_path) if request.param == "path" else f"file://{tmp_path}"


def test_write_and_read(root: str) -> None:
    url = storage.join(root, "deep", "folder", "a.bin")
    assert not storage.exists(url)
    storage.write_bytes(url, b"one")
    storage.write_bytes(url, b"second")
    assert storage.exists(url)
    assert storage.size(url) == 6
    assert storage.read_bytes(url) == b"second"
    with storage.open_read(url) as stream:
        assert stream.read(3) == b"sec"
        assert stream.tell() == 3
    with storage.local_path(url) as path:
        assert path.read_bytes() == b"second"


def test_json_keeps_the_order_of_keys(root: str) -> None:
    url = storage.join(root, "a.json")
    storage.write_json(url, {"z": 1, "a": [np.float32(0.5)], "é": None})
    assert storage.read_json(url) == {"z": 1, "a": [0.5], "é": None}
    assert storage.read_bytes(url).startswith(b'{\n  "z": 1,')


def test_broken_json_is_said(root: str) -> None:
    url = storage.join(root, "a.json")
    storage.write_bytes(url, b"{")
    with pytest.raises(StorageError, match=r"a\.json: not JSON"):
        storage.read_json(url)


def test_put(root: str, tmp_path: Path) -> None:
    local = tmp_path / "local.bin"
    local.write_bytes(b"x" * 100_000)
    url = storage.join(root, "sub", "remote.bin")
    storage.put(local, url)
    assert storage.read_bytes(url) == local.read_bytes()


def test_expand(root: str) -> None:
    for name in ("b.txt", "a.txt", "sub/c.csv", ".hidden", "_SUCCESS", "sub/.d/e.txt"):
        storage.write_bytes(storage.join(root, name), b"x")
    assert [url.rsplit("/root/")[-1].rsplit("/", 1)[-1] for url in storage.expand(root)] == ["a.txt", "b.txt", "c.csv"]
    assert [storage.name(url) for url in storage.expand(storage.join(root, "*.txt"))] == ["a.txt", "b.txt"]
    assert [storage.name(url) for url in storage.expand(storage.join(root, "**", "*.csv"))] == ["c.csv"]
    (one,) = storage.expand(storage.join(root, "a.txt"))
    assert storage.read_bytes(one) == b"x"
    for missing in ("none.txt", "*.none"):
        with pytest.raises(CorpusError, match=r"none.*check the spelling"):
            storage.expand(storage.join(root, missing))


def test_fingerprint_changes_with_the_content(root: str) -> None:
    url = storage.join(root, "a.txt")
    storage.write_bytes(url, b"one")
    first = storage.fingerprint(url)
    assert first == storage.fingerprint(url)
    storage.write_bytes(url, b"two")
    assert first != storage.fingerprint(url)
    assert first.startswith(("sha256:", "etag:"))


@pytest.mark.parametrize(
    ("headers", "kind"),
    [({"ETag": '"a"'}, "etag:"), ({"Last-Modified": "Tue, 01 Jul 2025 00:00:00 GMT"}, "modified:"), ({}, "sha256:")],
)
def test_a_web_page_that_changes_is_seen_to(
    monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], kind: str
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    said, content = dict(headers), b"one"

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            for name, value in {**said, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815 - http.server looks for this name

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/corpus.txt"
        first = storage.fingerprint(url)
        assert first.startswith(kind)
        assert first == storage.fingerprint(url)
        content = b"two"
        said.update({name: value.replace("a", "b").replace("2025", "2026") for name, value in said.items()})
        assert first != storage.fingerprint(url)
        server.shutdown()


def test_missing_files_name_the_place_and_the_remedy(root: str) -> None:
    url = storage.join(root, "none.txt")
    for read in (storage.open_read, storage.read_bytes, storage.size, storage.fingerprint):
        with pytest.raises(StorageError, match=r"none\.txt: cannot read it: no such .*; check the spelling"):
            read(url)


def test_check_writable_leaves_nothing(root: str, tmp_path: Path) -> None:
    storage.check_writable(storage.join(root, "new", "folder"))
    assert not list(tmp_path.iterdir())
    assert not storage.exists(storage.join(root, "new"))


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    place = str(tmp_path / "file" / "below")
    for write in (storage.check_writable, lambda url: storage.write_bytes(url, b"")):
        with pytest.raises(StorageError, match="a part of the path is a file, not a folder; choose another place"):
            write(place)


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs Linux")
def test_a_folder_that_takes_no_files() -> None:
    with pytest.raises(StorageError, match="/proc/here: cannot write to it: it takes no files; choose another place"):
        storage.check_writable("/proc/here")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (PermissionError(errno.EACCES, "denied"), "permission denied; choose a place you may use"),
        (OSError(errno.ENOSPC, "full"), "no space is left; free some space"),
        (OSError(errno.EROFS, "ro"), "the file system is read-only; choose another place"),
    ],
)
def test_a_failed_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, text: str
) -> None:
    target = tmp_path / "a.txt"
    storage.write_bytes(str(target), b"old")

    def fail(self: Path, data: bytes) -> None:
        self.touch()
        raise error

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(StorageError, match=text):
        storage.write_bytes(str(target), b"new")
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("nosuch://a/b", "Protocol not known: nosuch; use a path or a URL like s3://bucket/key"),
        ("adl://a/b", "pip install|Protocol not known"),
    ],
)
def test_unknown_protocols(url: str, text: str) -> None:
    with pytest.raises(StorageError, match=text):
        storage.read_bytes(url)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="it is a folder; give a file's name"):
        storage.open_read(str(tmp_path))


def test_remote_errors_say_which_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoCredentialsError(Exception):
        __module__ = "botocore.exceptions"

    failures: list[tuple[Exception, str]] = [
        (NoCredentialsError("Unable to locate credentials"), "Unable to locate credentials; give keys"),
        (PermissionError("Forbidden"), "permission denied; give keys"),
        (FileNotFoundError("The specified bucket does not exist"), "no such object or bucket; .*create the bucket"),
        (ConnectionError("refused"), "refused; check the network and the endpoint"),
    ]
    for failure, text in failures:

        def fail(url: str, failure: Exception = failure) -> None:
            raise failure

        monkeypatch.setattr("data.storage.files.opened", fail)
        with pytest.raises(StorageError, match=text) as caught:
            storage.write_bytes("s3://bucket/key", b"")
        assert isinstance(caught.value, EmbertextError)
        assert "\n" not in str(caught.value)


def test_our_own_mistakes_stay_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(url: str) -> None:
        raise KeyError(url)

    monkeypatch.setattr("data.storage.files.opened", fail)
    with pytest.raises(KeyError):
        storage.read_bytes("s3://bucket/key")


@pytest.mark.parametrize(
    ("url", "names", "expected"),
    [
        ("s3://b/x/", ["y.txt"], "s3://b/x/y.txt"),
        ("s3://b", ["x", "y"], "s3://b/x/y"),
        ("a/b", ["c"], "a/b/c"),
        ("file:///a", ["b"], "/a/b"),
    ],
)
def test_join(url: str, names: list[str], expected: str) -> None:
    assert storage.join(url, *names) == expected


def test_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert storage.absolute("a/b") == str(tmp_path / "a/b")
    assert storage.absolute("s3://b/x") == "s3://b/x"
    assert [storage.is_local(url) for url in ("a", "/a", "file:///a", "s3://b", "zip://a::b.zip")] == [
        True,
        True,
        True,
        False,
        False,
    ]
