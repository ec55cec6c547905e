import gzip
import io
import os
import tarfile
import tracemalloc
from pathlib import Path
from typing import Literal

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import readers, sources, storage, utf8
from data.errors import CorpusError
from data.named import NAMED
from data.readers import Document
from data.sources import Source

Kind = Literal["text", "jsonl", "csv", "mail"]


def source(tmp_path: Path, name: str, data: bytes) -> Source:
    (tmp_path / name).write_bytes(data)
    return sources.find(str(tmp_path / name), cache=tmp_path / "cache")


DOCUMENTS: list[tuple[str, str, bytes, list[Document]]] = [
    ("text", "a.txt", b"one two\n\nthree", [Document("one two", line=1), Document("three", line=3)]),
    ("text with \\r", "a.txt", b"one\r\ntwo\r\n", [Document("one\r", line=1), Document("two\r", line=2)]),
    ("text, white space", "a.txt", b"\0\t\n\xc2\xa0\n", [Document("\xa0", line=2)]),  # a letter to fastText
    (
        "jsonl",
        "a.jsonl",
        b'{"text": "a b", "label": "x"}\n\n{"text": "c"}',
        [Document("a b", ("x",), 1), Document("c", (), 3)],
    ),
    ("a title", "a.jsonl", b'{"text": "a", "title": "T", "id": 1}', [Document("a", (), 1)]),
    ("augmented manifest", "a.manifest", b'{"source": "a b", "label": 1}\n', [Document("a b", ("1",), 1)]),
    ("several labels", "a.jsonl", b'{"source": "a", "label": [1, "b"]}\n', [Document("a", ("1", "b"), 1)]),
    ("no labels", "a.jsonl", b'{"text": "a", "label": [1, null]}\n', [Document("a", (), 1)]),
    ("a number", "a.jsonl", b'{"text": "a", "label": 1.5}\n', [Document("a", (), 1)]),
    ("an empty text", "a.jsonl", b'{"text": "", "label": "x"}\n', [Document("", ("x",), 1)]),
    ("byte order mark", "a.jsonl", b'\xef\xbb\xbf{"text": "a"}\n', [Document("a", (), 1)]),
    (
        "csv, AG News",
        "a.csv",
        b'"3","He said ""no"", twice"\n"4","b\nc"\n',
        [Document('He said "no", twice', ("3",), 1), Document("b\nc", ("4",), 3)],
    ),
    ("csv, three columns", "a.csv", b'"3","Title","Story"\n', [Document("Title Story", ("3",), 1)]),
    ("csv, one column", "a.csv", b"hello\n\nworld\n", [Document("hello", (), 1), Document("world", (), 3)]),
    ("csv, header", "a.csv", b"id,Text,label\n1,a b,x\n", [Document("a b", ("x",), 2)]),
    ("csv, header without label", "a.csv", b"id,text\n1,a b\n", [Document("a b", (), 2)]),
    ("tsv, no quoting", "a.tsv", b'label\tsentence\n0\tsay " it\n', [Document('say " it', ("0",), 2)]),
    ("tsv, no header", "a.tsv", b"0\ta b\n", [Document("a b", ("0",), 1)]),
]


@pytest.mark.parametrize(
    ("name", "data", "expected"), [row[1:] for row in DOCUMENTS], ids=[row[0] for row in DOCUMENTS]
)
def test_documents(tmp_path: Path, name: str, data: bytes, expected: list[Document]) -> None:
    assert list(readers.documents(source(tmp_path, name, data))) == expected
    assert list(readers.documents(source(tmp_path, f"{name}.gz", gzip.compress(data)))) == expected


def newsgroups(messages: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in messages.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def test_mail(tmp_path: Path) -> None:
    data = newsgroups({"train/sci.space/1": b"From: J\xfcrgen\n\nThe moon", "test/rec.autos/2": b"A car"})
    found = source(tmp_path, "news.tar.gz", data)
    assert list(readers.documents(found)) == [
        Document("From: Jürgen\n\nThe moon", ("sci.space",)),
        Document("A car", ("rec.autos",)),
    ]
    train = found.model_copy(update={"member": "train/"})
    assert b"".join(block.data for block in readers.blocks(train)) == "from jürgen the moon\n".encode()


BAD: list[tuple[str, bytes, str]] = [
    ("a.jsonl", b'{"text": "a"}\n{"text": \n', r"a\.jsonl: line 2: not JSON .*; write one JSON object a line"),
    ("a.jsonl", b'{"text": "a"}\n{"body": "b"}\n', r'a\.jsonl: line 2: no field "text" or "source"'),
    ("a.jsonl", b"[1]\n", r"a\.jsonl: line 1: no field"),
    (
        "a.jsonl",
        b'{"text": "a"}\n{"text": "\xe9"}\n',
        r"a\.jsonl: line 2, byte 24: not UTF-8 .*iconv -f latin-1 -t utf-8",
    ),
    ("a.csv", b"a,b\nc,\xe9\n", r"a\.csv: line 2, byte 6: not UTF-8"),
    (
        "a.csv",
        b"label,body\nx,y\n",
        r"a\.csv: line 1: no text column: the header names label, body; name one column text",
    ),
    ("a.csv", b"label,text\nx\n", r"a\.csv: line 2: 1 columns, and the header has more; quote"),
    ("a.txt", b"one\ntwo \xe9\n", r"a\.txt: line 2, byte 8: not UTF-8 \(byte 0xe9\); convert it"),
]


@pytest.mark.parametrize(("name", "data", "text"), BAD)
def test_bad_input_is_said_in_one_line(tmp_path: Path, name: str, data: bytes, text: str) -> None:
    with pytest.raises(CorpusError, match=text) as caught:
        list(readers.blocks(source(tmp_path, name, data)))
    assert "\n" not in str(caught.value)
    with pytest.raises(CorpusError, match=text):
        list(readers.documents(source(tmp_path, name, data)))


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.txt", b""), ("a.txt", b" \n\0\n"), ("a.jsonl", b""), ("a.jsonl", b'{"text": "..."}'), ("a.csv", b"text\n")],
)
def test_an_empty_corpus(tmp_path: Path, name: str, data: bytes) -> None:
    with pytest.raises(CorpusError, match=rf"{name}: no words in it; give files with text"):
        list(readers.blocks(source(tmp_path, name, data)))


def _blocks(found: Source, tokenizer: readers.Tokenizer = "auto") -> bytes:
    return b"".join(block.data for block in readers.blocks(found, tokenizer=tokenizer))


def test_tokenizers(tmp_path: Path) -> None:
    text = source(tmp_path, "a.txt", "The CAT, sat.\nÉté!".encode())
    assert _blocks(text) == "The CAT, sat.\nÉté!\n".encode()
    assert _blocks(text, "words") == "the cat sat\nété\n".encode()
    json = source(tmp_path, "a.jsonl", b'{"text": "The\\u0000 CAT,\\n sat."}\n{"text": "..."}\n{"text": "Ja"}')
    assert _blocks(json) == b"the cat sat\nja\n"
    assert _blocks(json, "whitespace") == b"The CAT, sat.\n...\nJa\n"
    assert _blocks(text, "wordpunct") == "the cat , sat .\nété !\n".encode()
    assert _blocks(json, "treebank") == b"the cat , sat .\n...\nja\n"


def test_lines_of_a_text_file_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utf8.pieces, "__kwdefaults__", {"size": 16, "longest": 100})
    monkeypatch.setattr(utf8, "PIECE", 32)
    found = list(readers.documents(source(tmp_path, "a.txt", b"a\n\n" + b"word " * 20 + b"\nb\n")))
    assert [(found[0].text, found[0].line), (found[-1].text, found[-1].line)] == [("a", 1), ("b", 4)]
    assert {document.line for document in found[1:-1]} == {3}
    assert len(found) > 3
    assert "".join(document.text for document in found[1:-1]) == "word " * 20


def test_words_of_a_line_that_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utf8.pieces, "__kwdefaults__", {"size": 16, "longest": 100})
    found = source(tmp_path, "a.txt", b"Alpha Beta Gamma Delta Epsilon Zeta Eta\nTheta")
    assert _blocks(found, "words").split(b"\n") == [b"alpha beta gamma delta epsilon zeta eta", b"theta", b""]
    assert next(readers.blocks(found, tokenizer="words")).data.endswith(b" ")


def test_each_file_ends_a_sentence_and_progress_is_monotone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utf8.pieces, "__kwdefaults__", {"size": 64, "longest": 1000})
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("word " * 100)
    found = list(readers.blocks(sources.find(str(tmp_path / "*.txt"), cache=tmp_path)))
    assert b"".join(block.data for block in found).split(b"\n") == [b"word " * 100, b"word " * 100, b""]
    progress = [block.progress for block in found]
    assert progress == sorted(progress)
    assert 0 < progress[0] < 0.3
    assert progress[-1] == 1.0


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=30), max_size=20))
def test_whitespace_tokens_of_any_text(texts: list[str]) -> None:
    fs = fsspec.filesystem("memory")
    data = "\n".join(["first", *texts]).encode()
    fs.pipe_file("/corpus/a.txt", data)
    found = sources.find("memory://corpus/a.txt", cache=Path("/nonexistent"))
    assert _blocks(found).split() == data.replace(b"\0", b" ").split()


def test_a_long_document_is_cut_between_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utf8, "PIECE", 1000)
    monkeypatch.setattr(readers, "BLOCK", 500)
    found = source(tmp_path, "a.jsonl", b'{"text": "' + b"word " * 3000 + b'"}\n')
    sizes = [len(block.data) for block in readers.blocks(found)]
    assert max(sizes) <= 1000
    assert _blocks(found).split() == [b"word"] * 3000


def test_memory_is_bounded(tmp_path: Path) -> None:
    found = source(tmp_path, "a.txt.gz", gzip.compress(b"some words and one line only " * 2_000_000))  # 58 MB
    tracemalloc.start()
    total = sum(len(block.data) for block in readers.blocks(found))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 58_000_001
    assert peak < 40 * 2**20


@pytest.mark.skipif("EMBERTEXT_DATA" not in os.environ, reason="EMBERTEXT_DATA is not set")
@pytest.mark.parametrize(
    ("name", "count", "labels"),
    [("20newsgroups", 11_314, 20), ("20newsgroups-test", 7_532, 20), ("ag_news-test", 7_600, 4), ("sst2-dev", 872, 2)],
)
def test_the_real_sets(tmp_path: Path, name: str, count: int, labels: int) -> None:
    local = NAMED[name].local
    if not storage.exists(storage.join(os.environ["EMBERTEXT_DATA"], local)):
        pytest.skip(f"EMBERTEXT_DATA does not hold {local}")
    found = list(readers.documents(sources.find(name, cache=tmp_path)))
    assert len(found) == count
    assert len({document.labels for document in found}) == labels
    assert all(document.text.strip() for document in found)
