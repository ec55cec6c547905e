import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import recordio
from data.errors import EmbertextError, FormatError
from data.recordio import MAGIC_BYTES as M

# One table for the writer and the readers: (payload, framed bytes in hex). The last ones are split by hand
# from dmlc-core's rule: cut at an aligned magic, leave it out.
CASES = {
    "empty": (b"", "0a23d7ce 00000000"),
    "one byte": (b"a", "0a23d7ce 01000000 61000000"),
    "aligned": (b"abcd", "0a23d7ce 04000000 61626364"),
    "magic not aligned": (b"x" + M, "0a23d7ce 05000000 780a23d7ce000000"),
    "magic cut short": (M[:3], "0a23d7ce 03000000 0a23d700"),
    "magic alone": (M, "0a23d7ce 00000020 0a23d7ce 00000060"),
    "magic first": (M + b"ab", "0a23d7ce 00000020 0a23d7ce 02000060 61620000"),
    "magic inside": (b"abcd" + M + b"efg", "0a23d7ce 04000020 61626364 0a23d7ce 03000060 65666700"),
    "magic twice": (b"abcd" + M + M, "0a23d7ce 04000020 61626364 0a23d7ce 00000040 0a23d7ce 00000060"),
}
TABLE = pytest.mark.parametrize(("payload", "framed"), [(p, bytes.fromhex(f)) for p, f in CASES.values()], ids=CASES)
PAYLOADS = st.lists(st.lists(st.sampled_from([M, M[:1], M[1:], b"", b"abcd", b"x"])).map(b"".join) | st.binary())


def unsplit(payload: bytes) -> bytes:
    """A frame as the SDK's writer makes it: never split."""
    return struct.pack("<II", recordio.MAGIC, len(payload)) + payload + bytes(-len(payload) % 4)


def scanned(buffer: bytes) -> list[bytes]:
    return [record for _, record in recordio.scan(buffer, path="x.rec")]


def streamed(buffer: bytes, *, step: int = 1 << 20) -> list[bytes]:
    decoder, records = recordio.Decoder(path="x.rec"), []
    for i in range(0, len(buffer), step):
        records += decoder.feed(buffer[i : i + step])
    decoder.close()
    return records


@TABLE
def test_writes(payload: bytes, framed: bytes) -> None:
    assert recordio.frame(payload) == framed


@TABLE
@pytest.mark.parametrize("step", [1, 3, 1 << 20])
def test_reads_in_pieces_and_with_a_tail(payload: bytes, framed: bytes, step: int) -> None:
    assert streamed(framed, step=step) == [payload]
    assert streamed(framed + recordio.frame(b"tail"), step=step) == [payload, b"tail"]


@TABLE
def test_scans(payload: bytes, framed: bytes) -> None:
    assert scanned(framed) == [payload]
    assert scanned(recordio.frame(b"head") + framed * 2 + recordio.frame(b"tail")) == [
        b"head",
        payload,
        payload,
        b"tail",
    ]


@TABLE
def test_reads_what_a_writer_that_never_splits_wrote(payload: bytes, framed: bytes) -> None:
    buffer = unsplit(payload) + unsplit(b"tail")
    assert streamed(buffer) == scanned(buffer) == [payload, b"tail"]
    if M not in payload:
        assert unsplit(payload) == framed


def test_no_records() -> None:
    assert scanned(b"") == streamed(b"") == []


@given(PAYLOADS)
def test_round_trip(payloads: list[bytes]) -> None:
    file = io.BytesIO()
    assert recordio.write_records(file, payloads) == len(payloads)
    assert len(file.getvalue()) % 4 == 0
    file.seek(0)
    assert list(recordio.read_records(file, path="x.rec")) == payloads
    assert scanned(file.getvalue()) == payloads


@given(PAYLOADS)
def test_an_aligned_magic_always_begins_a_frame(payloads: list[bytes]) -> None:
    buffer = b"".join(map(recordio.frame, payloads))
    frames, position = [], 0
    while position < len(buffer):
        frames.append(position)
        position = recordio._frame_end(buffer, position, len(buffer))
    assert frames == [i for i in range(0, len(buffer), 4) if buffer[i : i + 4] == M]


def test_places_count_from_the_start_of_the_file() -> None:
    buffer = recordio.frame(b"abc") + recordio.frame(M) + recordio.frame(b"d")
    assert [begin for begin, _ in recordio.scan(buffer, path="x")] == [0, 12, 28]
    assert recordio.record_at(buffer, 12, path="x") == (M, 28)


GOOD = recordio.frame(b"abc")
BROKEN = {
    "another format": (b"PK\3\4" * 4, 0, "magic 0x04034b50"),
    "short and another format": (b"PK\3\4", 0, "magic 0x04034b50"),
    "wrong magic later": (GOOD + bytes(8), 12, "magic 0x00000000"),
    "truncated magic": (GOOD + M[:2], 12, "header needs 8 bytes, the file ends after 2"),
    "truncated header": (GOOD + M + b"\4", 12, "header needs 8 bytes, the file ends after 5"),
    "truncated payload": (GOOD + unsplit(b"12345678")[:-1], 12, "says 8 bytes, the file ends after 7"),
    "length of half a gigabyte": (M + b"\xff\xff\xff\x1f", 0, "says 536870911 bytes, the file ends after 0"),
    "missing padding": (GOOD[:-1], 0, "1 bytes of padding are missing"),
    "padding not zero": (GOOD[:-1] + b"!" + GOOD, 11, "not zero"),
    "middle first": (M + b"\0\0\0\x40", 4, "cflag 2, expected 0 or 1"),
    "end first": (GOOD + M + b"\0\0\0\x60", 16, "cflag 3, expected 0 or 1"),
    "whole inside a split": (M + b"\0\0\0\x20" + GOOD, 12, "cflag 0, expected 2 or 3"),
    "start inside a split": ((M + b"\0\0\0\x20") * 2, 12, "cflag 1, expected 2 or 3"),
    "cflag 4": (M + b"\0\0\0\x80", 4, "cflag 4"),
    "magic for a length": (M + M, 4, "cflag 6"),
    "split without an end": (GOOD + M + b"\0\0\0\x20", 12, "before the last part"),
}


@pytest.mark.parametrize(("buffer", "offset", "what"), BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("read", [scanned, streamed, lambda b: streamed(b, step=1)], ids=["scan", "stream", "bytewise"])
def test_broken_files_are_refused_with_offset_and_remedy(read, buffer: bytes, offset: int, what: str) -> None:
    with pytest.raises(FormatError) as error:
        read(buffer)
    assert error.value.offset == offset
    assert str(error.value).startswith(f"x.rec: byte {offset}: ")
    assert what in str(error.value)
    assert error.value.remedy
    assert "\n" not in str(error.value)


@given(st.lists(st.binary(max_size=20), min_size=1), st.data())
def test_damage_is_refused_or_read_alike(payloads: list[bytes], data: st.DataObject) -> None:
    buffer = bytearray(b"".join(map(recordio.frame, payloads)))
    buffer[data.draw(st.integers(0, len(buffer) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(buffer[: data.draw(st.integers(0, len(buffer)))])
    results: list[object] = []
    for read in (scanned, streamed, lambda b: streamed(b, step=1)):
        try:
            results.append(read(cut))
        except FormatError as error:
            results.append(str(error))
    assert results[0] == results[1] == results[2]


def test_a_record_too_long_is_refused() -> None:
    with pytest.raises(EmbertextError, match=r"536870912 bytes is longer.*; write it as several"):
        recordio.frame(bytes(2**29))
