import gzip
import io
import os
import pickle
import tarfile
import tracemalloc
from pathlib import Path
from typing import get_args

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import labelled, sources, storage, utf8
from data.errors import CorpusError
from data.named import NAMED
from data.readers import Document
from data.sources import Source
from data.tokenizer import Name, tokenize
from tests.strategies import SPACES, common_words


def source(tmp_path: Path, name: str, data: bytes) -> Source:
    (tmp_path / name).write_bytes(data)
    return sources.find(str(tmp_path / name), cache=tmp_path / "cache")


def read(found: Source, size: int = 2**20) -> list[Document]:
    return [document for batch in labelled.batches(found, size=size) for document in batch.documents]


def mail(messages: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in messages.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


KINDS: list[tuple[str, str, bytes, list[Document]]] = [
    ("a line", "a.txt", b"__label__a one two\n", [Document("one two", ("a",), 1)]),
    (
        "labels anywhere",
        "a.txt",
        b"one __label__a two\t__label__b\n__label__c  __label__d three",
        [Document("one two", ("a", "b"), 1), Document("three", ("c", "d"), 2)],
    ),
    ("blank lines", "a.txt", b"\n \0\t\r\n__label__a x\r\n\n", [Document("x", ("a",), 3)]),
    ("labels alone", "a.txt", b"__label__a\n", [Document("", ("a",), 1)]),
    ("no labels", "a.txt", b"a__label__b __label__a __label__ x\n", [Document("a__label__b x", ("a",), 1)]),
    ("labels in labels", "a.txt", b"__label____label__a\xc2\xa0b x\n", [Document("x", ("__label__a\xa0b",), 1)]),
    ("byte order mark", "a.txt", b"\xef\xbb\xbf__label__a x", [Document("x", ("a",), 1)]),
    ("manifest", "a.manifest", b'{"source": "One, two", "label": 1}\n', [Document("One, two", ("1",), 1)]),
    ("several", "a.jsonl", b'\n{"text": "x", "label": ["a b", 3, ""]}\n', [Document("x", ("a b", "3"), 2)]),
    ("prefixed", "a.jsonl", b'{"text": "x", "label": " __label__a "}\n', [Document("x", ("a",), 1)]),
    ("csv", "a.csv", b'"3","x\ny"\n"__label__4",z\n', [Document("x\ny", ("3",), 2), Document("z", ("4",), 3)]),
    ("header", "a.tsv", b"text\tclass\nx\ta\n", [Document("x", ("a",), 2)]),
    (
        "mail",
        "a.tar",
        mail({"t/sci.space/1": b"x", "t/rec/2": b""}),
        [Document("x", ("sci.space",)), Document("", ("rec",))],
    ),
]


@pytest.mark.parametrize(("name", "data", "expected"), [row[1:] for row in KINDS], ids=[row[0] for row in KINDS])
def test_batches_of_every_kind(tmp_path: Path, name: str, data: bytes, expected: list[Document]) -> None:
    assert read(source(tmp_path, name, data)) == expected
    assert read(source(tmp_path, f"{name}.gz", gzip.compress(data))) == expected


FIRST = b"__label__a x\n\n"
BAD: list[tuple[str, bytes, str]] = [
    (
        "a.txt",
        FIRST + b"x y\n",
        "a.txt: line 3: no label; begin the line with its class: __label__sports the match was won",
    ),
    (
        "a.txt",
        FIRST + b"__label__ y\n",
        "a.txt: line 3: no label; begin the line with its class: __label__sports the match",
    ),
    ("a.txt", FIRST + b"\xc2\xa0\n", "a.txt: line 3: no label; begin"),
    ("a.txt", FIRST + b"__label__\xe9 y\n", "a.txt: line 3, byte 23: not UTF-8 (byte 0xe9); convert it: iconv"),
    (
        "a.gz",
        gzip.compress(FIRST + b"x", mtime=0),
        "a.gz: line 3: no label; begin the line with its class: __label__sports the",
    ),
    (
        "a.manifest",
        b'{"source": "x", "label": 1}\n{"source": "y"\n',
        "a.manifest: line 2: not JSON (unexpected end of data at column 15); write one JSON object a line",
    ),
    (
        "a.manifest",
        b'{"source": "x", "label": 1}\n\n{"source": "y"}\n',
        'a.manifest: line 3: no field "label" with a string, an int or a list of them; '
        'write {"text": "...", "label": "..."} on each line',
    ),
    (
        "a.jsonl",
        b'{"text": "y", "label": {"a": 1}}\n',
        'a.jsonl: line 1: no field "label" with a string, an int or a li',
    ),
    ("a.jsonl", b'{"text": "y", "label": ["", " "]}\n', 'a.jsonl: line 1: no field "label" with'),
    ("a.jsonl", b'{"text": "y", "label": "__label__"}\n', 'a.jsonl: line 1: no field "label" with'),
    (
        "a.csv",
        b'1,"x\ny"\n"",z\n',
        "a.csv: line 3: no class; write rows of class and text, or name one column label in a header",
    ),
    ("a.csv", b"x y\n", "a.csv: line 1: no class; write rows of class and text, or name one column label in a header"),
    (
        "a.csv",
        b"id,text\n1,x\n",
        "a.csv: line 2: no class; write rows of class and text, or name one column label in a",
    ),
    (
        "a.tar",
        mail({"1": b"x"}),
        "a.tar!1: no folder, which would be its class; put the messages of each class into a folder of its name",
    ),
    ("a.txt", b"", "a.txt: no words in it; give files with text"),
    ("a.txt", b" \n\0\n", "a.txt: no words in it; give files with text"),
    ("a.jsonl", b"\n", "a.jsonl: no words in it; give files with text"),
    ("a.csv", b"label,text\n", "a.csv: no words in it; give files with text"),
]


@pytest.mark.parametrize(("name", "data", "message"), BAD)
def test_bad_input_is_said_in_one_line(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    with pytest.raises(CorpusError) as caught:
        read(source(tmp_path, name, data))
    assert str(caught.value).removeprefix(f"{tmp_path}/").startswith(message)
    assert "\n" not in str(caught.value)


def test_the_member_of_an_archive_is_named(tmp_path: Path) -> None:
    found = source(tmp_path, "a.tar", mail({"good.txt": FIRST, "bad.txt": b"x"})).model_copy(update={"kind": "text"})
    with pytest.raises(CorpusError, match=r"a\.tar!bad\.txt: line 1: no label; "):
        read(found)


def test_batches_have_their_size_and_place(tmp_path: Path) -> None:
    line = b"__label__a " + b"word " * 20 + b"\n"
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_bytes(line * 1000)
    found = list(labelled.batches(sources.find(str(tmp_path / "*.txt"), cache=tmp_path), size=50_000))
    assert sum(len(batch.documents) for batch in found) == 2000
    assert all(len(batch.documents) == len(found[0].documents) for batch in found[:-1])
    assert 100 < len(found[0].documents) < 500
    progress = [batch.progress for batch in found]
    assert progress == sorted(progress)
    assert (progress[0] < 0.2, progress[-1]) == (True, 1.0)


def test_memory_is_bounded(tmp_path: Path) -> None:
    found = source(
        tmp_path, "a.txt.gz", gzip.compress(b"__label__a x\n" * 50_000)
    )  # documents are larger than their text
    tracemalloc.start()
    total = sum(len(batch.documents) for batch in labelled.batches(found, size=2**14))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 50_000
    assert peak < 2**20


LINES: list[tuple[Document, Name, bytes]] = [
    (Document("One, two", ("a", "b")), "words", b"__label__a __label__b one two\n"),
    (Document("One,\r\ntwo\0", ("a",)), "whitespace", b"__label__a One, two\n"),
    (Document("It's", ("a",)), "treebank", b"__label__a it 's\n"),
    (Document("x", ("New  York\tCity",)), "words", b"__label__New_York_City x\n"),
    (Document("!?", ("a",)), "words", b"__label__a\n"),
    (Document("x __label__b </s> y", ("a",)), "whitespace", b"__label__a x label__b y\n"),
    (Document("é", ("ü\xa0",)), "words", "__label__ü\xa0 é\n".encode()),
    (Document("\ud800", ("\udc80",)), "whitespace", b"__label__? ?\n"),  # halves of pairs, which UTF-8 cannot write
]


@pytest.mark.parametrize(("document", "tokenizer", "expected"), LINES)
def test_lines(document: Document, tokenizer: Name, expected: bytes) -> None:
    assert labelled.lines([document, document], tokenizer) == expected * 2


def test_lines_travel_to_other_machines() -> None:
    work = pickle.loads(pickle.dumps((labelled.lines, [Document("a b", ("x",), 1)], "words")))
    assert work[0](*work[1:]) == b"__label__x a b\n"


def parsed(lines: bytes) -> list[tuple[list[str], list[str]]]:
    """Labels and tokens as fastText reads them: the naive version."""
    found = []
    for line in lines.removesuffix(b"\n").split(b"\n"):
        tokens = [token.decode() for token in line.replace(b"\0", b" ").split()]
        labels = [token.removeprefix("__label__") for token in tokens if token.startswith("__label__")]
        found.append((labels, [token for token in tokens if not token.startswith("__label__")]))
    return found


labels = st.lists(common_words, min_size=1, max_size=3).map(tuple)
texts = st.lists(st.text(st.characters(codec="utf-8")) | st.sampled_from(["__label__x", "</s>", "\r\n"]), max_size=5)


@given(
    st.lists(st.builds(Document, texts.map(" ".join), labels), min_size=1, max_size=5), st.sampled_from(get_args(Name))
)
def test_lines_say_labels_and_tokens(documents: list[Document], tokenizer: Name) -> None:
    expected = [(list(document.labels), tokenize(document.text, tokenizer)) for document in documents]
    assert parsed(labelled.lines(documents, tokenizer)) == expected


tokens = st.tuples(
    st.booleans(), common_words, st.text(st.sampled_from(SPACES.replace("\n", "")), min_size=1, max_size=3)
)


@given(st.lists(st.lists(tokens, max_size=6), min_size=1, max_size=6), st.sampled_from([1, 150, 2**20]), st.booleans())
def test_batches_of_any_text(rows: list[list[tuple[bool, str, str]]], size: int, ended: bool) -> None:
    """Rows of (is it a label?, word, the separators behind it)."""
    rows = [[(True, "first", " ")], *[row and [*row, (True, "z", " ")] for row in rows]]
    text = "\n".join("".join("__label__" * is_label + word + space for is_label, word, space in row) for row in rows)
    expected = [
        (
            tuple(word for is_label, word, _ in row if is_label),
            [word for is_label, word, _ in row if not is_label],
            line,
        )
        for line, row in enumerate(rows, 1)
        if row
    ]
    fs = fsspec.filesystem("memory")
    fs.pipe_file("/labelled/a.txt", (text + "\n" * ended).encode())
    found = sources.find("memory://labelled/a.txt", cache=Path("/nonexistent"))
    documents = read(found, size)
    assert [(each.labels, tokenize(each.text, "whitespace"), each.line) for each in documents] == expected
    data = b"".join(block.data for block in labelled.blocks(found))
    assert [(list(labels), words) for labels, words, _ in expected] == [row for row in parsed(data) if row != ([], [])]
    assert labelled.lines(documents, "whitespace").count(b"\n") == len(expected)
    for index, (_, _, line) in enumerate(expected):
        assert labelled.locate(found, index) == ("memory://labelled/a.txt", line)


def test_blocks_end_each_file_with_a_newline(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt.gz"):
        data = b"__label__a x\n\ny __label__b"
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    found = list(labelled.blocks(sources.find(str(tmp_path / "*"), cache=tmp_path)))
    assert b"".join(block.data for block in found) == b"__label__a x\n\ny __label__b\n" * 2
    assert found[-1].progress == 1.0
    with pytest.raises(CorpusError, match=r"a\.txt: no words in it; give files with text"):
        list(labelled.blocks(source(tmp_path, "a.txt", b"\n\0")))


def test_locate_counts_the_lines_with_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utf8.pieces, "__kwdefaults__", {"size": 16, "longest": 100})
    (tmp_path / "a.txt").write_bytes(b"\n__label__a x\n \0\t\n" + b"word " * 20 + b"\n\xc2\xa0\n")
    (tmp_path / "b.txt").write_bytes(b"\r\n\nlast")
    found = sources.find(str(tmp_path / "*.txt"), cache=tmp_path)
    a, b = str(tmp_path / "a.txt"), str(tmp_path / "b.txt")
    assert [labelled.locate(found, i) for i in range(4)] == [(a, 2), (a, 4), (a, 5), (b, 3)]
    with pytest.raises(IndexError):
        labelled.locate(found, 4)


@pytest.mark.skipif("EMBERTEXT_DATA" not in os.environ, reason="EMBERTEXT_DATA is not set")
@pytest.mark.parametrize(
    ("name", "count", "classes"), [("20newsgroups-test", 7_532, 20), ("ag_news-test", 7_600, 4), ("sst2-dev", 872, 2)]
)
def test_the_real_sets(tmp_path: Path, name: str, count: int, classes: int) -> None:
    local = NAMED[name].local
    if not storage.exists(storage.join(os.environ["EMBERTEXT_DATA"], local)):
        pytest.skip(f"EMBERTEXT_DATA does not hold {local}")
    found = list(labelled.batches(sources.find(name, cache=tmp_path)))
    rows = [row for batch in found for row in parsed(labelled.lines(batch.documents, "words"))]
    assert len(rows) == count
    assert len({label for labels, _ in rows for label in labels}) == classes
    assert found[-1].progress == 1.0
