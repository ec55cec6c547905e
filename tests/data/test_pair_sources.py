import gzip
from pathlib import Path

import pytest

from data import pair_sources, sources
from data.errors import CorpusError
from data.pair_sources import Block, Found, Stretch
from data.sources import Source


def source_of(path: Path, content: str | bytes) -> Source:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return sources.find(str(path), cache=path.parent)


def lines_of(blocks: list[Block]) -> list[tuple[int, int, bytes]]:
    return [tuple(line) for block in blocks if block.lines for line in block.lines.lines()]


KINDS = {
    "ids": ("a.jsonl", '{"in0": [1], "in1": [2], "label": 1}\n', Found("ids", True)),
    "one id": ("a.jsonl", '\n \n{"in0": 1, "in1": 2}\n', Found("ids", False)),
    "no label": ("a.jsonl", '{"in0": [1], "in1": [2], "label": null}\n', Found("ids", False)),
    "texts": ("a.jsonl", '{"in0": "a", "in1": "b", "label": 0}\n', Found("texts", True)),
    "a text beside ids": ("a.jsonl", '{"in0": [1], "in1": "b", "label": 0}\n', Found("texts", True)),
    "one side": ("a.jsonl", '{"in1": [1]}\n', Found("ids", False)),
    "documents": ("a.jsonl", '{"text": "a", "label": "x"}\n', Found("documents", False)),
    "no JSON": ("a.jsonl", "a\n", Found("documents", False)),
    "nothing": ("a.jsonl", "", Found("documents", False)),
    "lines": ("a.txt", '{"in0": [1]}\n', Found("documents", False)),
}


@pytest.mark.parametrize(("name", "content", "expected"), KINDS.values(), ids=KINDS)
def test_the_first_record_says_the_kind(tmp_path, name, content, expected):
    found = pair_sources.find(source_of(tmp_path / name, content), None)
    assert found[:2] == expected[:2]
    if expected.kind in ("ids", "texts"):
        number = 3 if content.startswith("\n") else 1
        assert found.where == f"{tmp_path}/a.jsonl: line {number}"


def test_aligned_files_are_text(tmp_path):
    one, two = source_of(tmp_path / "a.txt", "x\n"), source_of(tmp_path / "b.jsonl", "{}\n")
    assert pair_sources.find(one, one) == Found("aligned", False)
    with pytest.raises(CorpusError, match="b: jsonl files are not aligned line by line; give text files"):
        pair_sources.find(one, two)


@pytest.mark.parametrize("size", [1, 12, 1 << 20])
def test_blocks_hold_every_line_once_with_its_place(tmp_path, size):
    source_of(tmp_path / "s" / "1.jsonl", '{"a": 1}\n\n{"b": 2}')
    source_of(tmp_path / "s" / "2.jsonl", '{"c": 3}\n')
    source = sources.find(str(tmp_path / "s"), cache=tmp_path)
    blocks = list(pair_sources.blocks(source, None, "ids", size=size))
    assert lines_of(blocks) == [(1, 0, b'{"a": 1}'), (2, 9, b""), (3, 10, b'{"b": 2}'), (1, 0, b'{"c": 3}')]
    assert [block.number for block in blocks] == list(range(len(blocks)))
    assert [block.progress for block in blocks] == sorted(block.progress for block in blocks)
    assert blocks[-1].progress == 1


def test_blocks_of_documents_hold_texts(tmp_path):
    source = source_of(tmp_path / "a.jsonl", '{"text": "a b"}\n{"text": "c"}\n')
    blocks = list(pair_sources.blocks(source, None, "documents", size=1))
    assert [(block.number, block.texts, block.lines) for block in blocks] == [(0, ("a b",), None), (1, ("c",), None)]


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_aligned_blocks_have_as_many_lines_on_both_sides(tmp_path, size):
    one = source_of(tmp_path / "1.txt.gz", gzip.compress(b"a\nb\n\nd"))
    two = source_of(tmp_path / "2.txt", "long\nlonger\nlongest\n\n")
    found = []
    for block in pair_sources.blocks(one, two, "aligned", size=size):
        assert block.lines
        assert block.other
        sides = [[(line.number, line.data) for line in side.lines()] for side in (block.lines, block.other)]
        found += zip(*sides, strict=True)
    assert [(number, a, b) for (number, a), (_, b) in found] == [
        (1, b"a", b"long"), (2, b"b", b"longer"), (3, b"", b"longest"), (4, b"d", b""),
    ]  # fmt: skip


@pytest.mark.parametrize(("first", "second"), [("a\nb\nc\nd\n", "a\nb\n"), ("a\nb\n", "a\nb\nc\nd")])
def test_aligned_files_of_different_lengths(tmp_path, first, second):
    one, two = source_of(tmp_path / "1.txt", first), source_of(tmp_path / "2.txt", second)
    with pytest.raises(CorpusError) as error:
        list(pair_sources.blocks(one, two, "aligned"))
    shorter, longer = (tmp_path / "2.txt", tmp_path / "1.txt")[:: 1 if len(first) > len(second) else -1]
    assert str(error.value).startswith(f"{shorter}: it ends with line 2, and {longer} has 4 lines; give text files")


def test_aligned_folders_of_different_lengths(tmp_path):
    for name in ("one/1.txt", "one/2.txt", "two/1.txt"):
        source_of(tmp_path / name, "a\n")
    one, two = (sources.find(str(tmp_path / name), cache=tmp_path) for name in ("one", "two"))
    with pytest.raises(CorpusError, match="one: has more files than two"):
        list(pair_sources.blocks(one, two, "aligned"))


@pytest.mark.parametrize("kind", ["ids", "documents"])
def test_a_source_of_nothing(tmp_path, kind):
    with pytest.raises(CorpusError, match="no words in it"):
        list(pair_sources.blocks(source_of(tmp_path / "a.jsonl", ""), None, kind))


def test_a_stretch_numbers_its_lines():
    stretch = Stretch("x", 7, 100, "é\n\nb".encode())
    assert [tuple(line) for line in stretch.lines()] == [(7, 100, "é".encode()), (8, 103, b""), (9, 104, b"b")]
    assert [line.data for line in Stretch("x", 1, 0, b"\n").lines()] == [b""]
