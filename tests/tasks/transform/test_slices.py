"""Files cut anywhere: every record in exactly one slice, in order, with its place."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import CorpusError, EmbertextError
from tasks.transform import formats, slices
from tasks.transform.slices import Reader, Slice, cut, whole
from tests.tasks.transform.fake import row

LINES = formats.format_of("application/jsonlines", "")
RECORDS = formats.format_of("application/x-recordio-protobuf", "")
BATCH = {"most_records": 7, "most_bytes": 1000}


def read(path: Path, form: formats.Format, size: int) -> list[tuple[int, bytes]]:
    """All records with their places in the file, by slices of about `size` bytes."""
    before, found = 0, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "SLICE", size)
        parts = list(cut(str(path), path.stat().st_size, form, key="file"))
    assert len({part.key for part in parts}) == len(parts)
    for part in parts:
        reader = Reader(part, form, **BATCH)
        for batch in reader:
            assert len(batch.records) <= 7
            found += [(before + place, data) for place, data in zip(*batch, strict=True)]
        before += reader.places
    return found


@given(
    st.lists(st.sampled_from([b"a", b"", b"longer", b" ", b"x" * 50]), max_size=40), st.integers(1, 60), st.booleans()
)
def test_lines(tmp_path_factory, lines, size, ended):
    path = tmp_path_factory.mktemp("lines") / "a.jsonl"
    data = b"\n".join(lines) + b"\n" * ended
    path.write_bytes(data)
    expected = [(number, line) for number, line in enumerate(data.split(b"\n"), 1) if line.strip()]
    assert read(path, LINES, size) == expected
    (path.parent / "a.jsonl.gz").write_bytes(gzip.compress(data))
    assert read(path.parent / "a.jsonl.gz", LINES, size) == expected


@given(st.lists(st.integers(0, 9), max_size=30), st.integers(1, 200))
def test_records(tmp_path_factory, numbers, size):
    path = tmp_path_factory.mktemp("records") / "a.pbr"
    frames = [row(number) for number in numbers]
    path.write_bytes(b"".join(frames))
    assert read(path, RECORDS, size) == list(enumerate(frames, 1))
    (path.parent / "a.pbr.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert read(path.parent / "a.pbr.gz", RECORDS, size) == list(enumerate(frames, 1))


@pytest.mark.parametrize("size", [40, 100, 10_000])
def test_damaged_records_cost_themselves_alone(tmp_path, size):
    frames = [row(number) for number in range(10)]
    broken = [*frames[:3], b"\xff" * len(frames[3]), *frames[4:9], frames[9][:-4]]
    (tmp_path / "a.pbr").write_bytes(b"".join(broken))
    assert read(tmp_path / "a.pbr", RECORDS, size) == list(enumerate(broken, 1))


def test_a_byte_order_mark_is_none_of_the_first_line(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n")
    assert read(tmp_path / "a.txt", LINES, 100) == [(1, b"a"), (2, b"\xef\xbb\xbfb")]


def test_batches_are_of_so_many_bytes(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b"12345\n" * 10 + b"x" * 50 + b"\n")
    reader = Reader(Slice(str(tmp_path / "a.jsonl"), 0, 111, ""), LINES, most_records=100, most_bytes=20)
    assert [len(batch.records) for batch in reader] == [4, 4, 2, 1], "one that is larger is asked alone"


def test_files_that_cannot_be_read(tmp_path, monkeypatch):
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b"abc\n" * 1000)[:-20])
    with pytest.raises(CorpusError, match="damaged or cut short"):
        read(tmp_path / "a.jsonl.gz", LINES, 10)
    monkeypatch.setattr(slices, "MOST_WHOLE", 2**20)
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(bytes(2**20 + 1)))
    with pytest.raises(EmbertextError, match="more than 1 MB in one body; write JSON Lines instead"):
        whole(str(tmp_path / "a.json.gz"))
    monkeypatch.setattr("data.utf8.LONGEST_LINE", 2**20)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(bytes(2**22)))
    (tmp_path / "b.jsonl").write_bytes(bytes(2**23))
    for name in ("b.jsonl.gz", "b.jsonl"):
        with pytest.raises(CorpusError, match="a line without an end"):
            read(tmp_path / name, LINES, 10**6)
