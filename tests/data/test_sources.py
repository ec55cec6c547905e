import gzip
import hashlib
import re
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import pytest

from data import docstrings, readers, sources
from data.errors import CorpusError, StorageError
from data.named import NAMED, Named


@pytest.fixture(autouse=True)
def no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests bring their own EMBERTEXT_DATA, and no proxy stands between them and loopback."""
    monkeypatch.delenv("EMBERTEXT_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A small web site: its address and its folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    folder = tmp_path / "site"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()


def add(monkeypatch: pytest.MonkeyPatch, name: str, entry: Named) -> None:
    monkeypatch.setitem(NAMED, name, entry)


@pytest.mark.parametrize(
    ("files", "train", "kind", "names"),
    [
        (["a.txt"], "a.txt", "text", ["a.txt"]),
        (["noending"], "./noending", "text", ["noending"]),
        (["wiki.en", "b.txt.xz"], ".", "text", ["b.txt.xz", "wiki.en"]),
        (["x/a.jsonl", "x/y/b.jsonl.gz", "x/.c.txt", "x/_SUCCESS"], "x", "jsonl", ["a.jsonl", "b.jsonl.gz"]),
        (["a.csv", "b.tsv", "c.txt"], "*.?sv", "csv", ["a.csv", "b.tsv"]),
        (["news.tar.xz"], "news.tar.xz", "mail", ["news.tar.xz"]),
        (["docs/a.txt"], "./docs", "text", ["a.txt"]),
    ],
)
def test_paths_globs_and_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: list[str], train: str, kind: str, names: list[str]
) -> None:
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("text")
    monkeypatch.chdir(tmp_path)
    found = sources.find(train, cache=tmp_path / "cache")
    assert found.kind == kind
    assert [Path(url).name for url in found.urls] == names
    assert all(Path(url).is_absolute() for url in found.urls)
    assert found.bytes == 4 * len(names)
    assert found.name
    assert not (tmp_path / "cache").exists()


def test_remote_folders() -> None:
    fs = fsspec.filesystem("memory")
    fs.store.clear()
    fs.pipe_file("/bucket/corpus/a.txt", b"one two")
    fs.pipe_file("/bucket/corpus/b.txt.gz", gzip.compress(b"three"))
    found = sources.find("memory://bucket/corpus/", cache=Path("/nonexistent"))
    assert found.urls == ["memory:///bucket/corpus/a.txt", "memory:///bucket/corpus/b.txt.gz"]
    assert b"".join(block.data for block in readers.blocks(found)) == b"one two\nthree\n"


def test_the_checksum_follows_the_content(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    one = sources.find(str(tmp_path), cache=tmp_path)
    assert one.checksum == "sha256:" + hashlib.sha256(b"one").hexdigest()
    (tmp_path / "b.txt").write_text("two")
    two = sources.find(str(tmp_path), cache=tmp_path)
    (tmp_path / "b.txt").write_text("six")
    assert len({one.checksum, two.checksum, sources.find(str(tmp_path), cache=tmp_path).checksum}) == 3


def test_a_zip_is_what_its_members_are(tmp_path: Path) -> None:
    for name, members in {"a.zip": ["x/a.jsonl", "__MACOSX/x/a.txt"], "b.zip": ["a.txt", "b.csv"], "c.zip": []}.items():
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for member in members:
                archive.writestr(member, '{"text": "a b"}')
    found = sources.find(str(tmp_path / "a.zip"), cache=tmp_path)
    assert [document.text for document in readers.documents(found)] == ["a b"]
    with pytest.raises(CorpusError, match=r"files of several kinds: text \(a\.txt\), csv \(b\.csv\)"):
        sources.find(str(tmp_path / "b.zip"), cache=tmp_path)
    with pytest.raises(CorpusError, match="holds no files"):
        sources.find(str(tmp_path / "c.zip"), cache=tmp_path)


@pytest.mark.parametrize(
    ("train", "text"),
    [
        (
            "text9",
            r"text9: no file and no named corpus; did you mean text8 .*\?; give a path, a URL or one of docs, text8",
        ),
        ("qqq", r"qqq: no file and no named corpus; give a path"),
        ("", "no corpus is given"),
        ("no/such.txt", r"no/such\.txt: no such file or folder; check the spelling"),
        ("*.none", r"\*\.none: no file matches"),
        ("./hollow", r"\./hollow: the folder holds no files; put text into it"),
        ("mixed", r"mixed: files of several kinds: text \(a\.txt\), jsonl \(b\.jsonl\); give a glob"),
        ("a.parquet", r"a\.parquet: \.parquet files are not read as text; give \.txt"),
        ("articles", "corpus articles: it has no public address; set EMBERTEXT_DATA"),
    ],
)
def test_what_cannot_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, train: str, text: str) -> None:
    (tmp_path / "mixed").mkdir()
    (tmp_path / "hollow").mkdir()
    for file in ("mixed/a.txt", "mixed/b.jsonl", "a.parquet"):
        (tmp_path / file).write_text("x")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CorpusError, match=text) as caught:
        sources.find(train, cache=tmp_path / "cache")
    assert "\n" not in str(caught.value)


def test_offline_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = "http://127.0.0.1:9/set.txt"
    add(monkeypatch, "there", Named("", "text", (address, address), file="set.txt", checksum="md5:00"))
    with pytest.raises(CorpusError) as caught:
        sources.find("there", cache=tmp_path / "cache")
    message = str(caught.value)
    assert "\n" not in message
    assert re.match(r"corpus there: cannot be downloaded from http://127.0.0.1:9/set.txt \(.*refused", message)
    assert message.endswith("set EMBERTEXT_DATA to a folder that holds it, or give a path or URL")
    assert isinstance(caught.value.__cause__, OSError)  # what makes a task try again
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_download_check_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: tuple[str, Path]) -> None:
    address, folder = site
    data = b"one two three " * 50_000
    (folder / "set.txt").write_bytes(data)
    checksum = "md5:" + hashlib.md5(data).hexdigest()
    addresses = (f"{address}/gone.txt", f"{address}/set.txt")  # the second answers
    add(monkeypatch, "there", Named("", "text", addresses, file="set.txt", checksum=checksum))
    progress = list(sources.fetch("there", cache=tmp_path / "cache"))
    assert progress
    assert all(0 <= fraction <= 1 for fraction in progress)
    (folder / "set.txt").unlink()
    assert list(sources.fetch("there", cache=tmp_path / "cache")) == []
    found = sources.find("there", cache=tmp_path / "cache")
    assert (found.name, found.bytes, found.urls) == ("there", len(data), [str(tmp_path / "cache" / "set.txt")])


def test_a_wrong_checksum_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: tuple[str, Path]) -> None:
    address, folder = site
    (folder / "set.txt").write_text("not the set")
    add(monkeypatch, "there", Named("", "text", (f"{address}/set.txt",), file="set.txt", checksum="md5:" + "0" * 32))
    with pytest.raises(CorpusError, match="its checksum is not the published one"):
        sources.find("there", cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.txt"))


def test_embertext_data_goes_first_and_says_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBERTEXT_DATA", str(tmp_path))
    for name, folder in {"text8": "wiki", "ag_news-test": "classification", "20newsgroups": "20news"}.items():
        (tmp_path / folder).mkdir()
        (tmp_path / NAMED[name].local).write_bytes(b"x")
    text8 = sources.find("text8", cache=tmp_path / "cache")
    assert (text8.name, text8.urls) == ("text8style", [str(tmp_path / "wiki/text8style.xz")])
    assert sources.find("ag_news-test", cache=tmp_path / "cache").member == ""
    train = sources.find("20newsgroups", cache=tmp_path / "cache")
    assert (train.kind, train.member) == ("mail", "20news-bydate-train/")
    test = sources.find("20newsgroups-test", cache=tmp_path / "cache")
    assert test.urls == train.urls
    assert test.checksum != train.checksum
    assert not (tmp_path / "cache").exists()


def test_docs_are_extracted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docstrings, "PACKAGES", {"joblib": "joblib"})
    monkeypatch.setattr(docstrings.extract, "__defaults__", ({"joblib": "joblib"},))
    monkeypatch.setattr(docstrings.key, "__defaults__", ({"joblib": "joblib"},))
    progress = list(sources.fetch("docs", cache=tmp_path))
    assert progress[-1] == 1.0
    assert list(sources.fetch("docs", cache=tmp_path)) == []
    found = sources.find("docs", cache=tmp_path)
    assert (found.name, found.kind) == ("docs", "jsonl")
    documents = list(readers.documents(found))
    assert len(documents) > 80
    assert {document.labels for document in documents} == {("joblib",)}
    assert len(list(tmp_path.iterdir())) == 1


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write to it"):
        sources.find("docs", cache=tmp_path / "file")


def test_a_source_travels_as_json(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    found = sources.find(str(tmp_path / "a.txt"), cache=tmp_path)
    assert sources.Source.model_validate_json(found.model_dump_json()) == found
