import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from data import record
from data.errors import EmbertextError, FormatError
from data.record import Bytes, Record, Tensor
from tests.data.oracle import PROTOBUF, UNPACKED, DecodeError, from_protobuf, to_protobuf


def floats(*values: float) -> Tensor:
    return Tensor(np.array(values, np.float32))


SPARSE = Tensor(np.array([1, 1, 4], np.float32), np.array([0, 1, 3], np.uint64), (4,))
# One table for the writer and the reader: (record, bytes in hex); the first two are the reference's own examples.
CASES = {
    "dense": (Record({"values": floats(1, 2)}), "0a16 0a06 76616c756573 120c 120a 0a08 0000803f 00000040"),
    "sparse": (
        Record({"values": SPARSE}),
        "0a22 0a06 76616c756573 1218 1216 0a0c 0000803f0000803f00008040 1203 000103 1a01 04",
    ),
    "nothing": (Record(), ""),
    "no values": (Record({"values": floats()}), "0a0c 0a06 76616c756573 1202 1200"),
    "no value": (Record({"a": None}), "0a05 0a0161 1200"),
    "label": (  # a negative number takes ten bytes
        Record({"": floats()}, {"values": Tensor(np.array([-1, 300], np.int32))}),
        "0a06 0a00 1202 1200 121a 0a06 76616c756573 1210 3a0e 0a0c ffffffffffffffffff01 ac02",
    ),
    "float64": (Record({"a": Tensor(np.array([0.5]))}), "0a11 0a0161 120c 1a0a 0a08 000000000000e03f"),
    "bytes": (Record({"a": Bytes((b"\xff", b""), "image/x")}), "0a15 0a0161 1210 4a0e 0a01ff 0a00 1207 696d6167652f78"),
    "texts": (Record(uid="7", metadata="", configuration="{}"), "1a0137 2200 2a027b7d"),
}
TABLE = pytest.mark.parametrize(("row", "encoded"), [(r, bytes.fromhex(h)) for r, h in CASES.values()], ids=CASES)


@TABLE
def test_encodes(row: Record, encoded: bytes) -> None:
    assert record.encode(row) == encoded
    assert to_protobuf(row).SerializeToString() == encoded


@TABLE
def test_decodes(row: Record, encoded: bytes) -> None:
    assert record.decode(encoded) == row
    assert from_protobuf(PROTOBUF.FromString(encoded)) == row


@TABLE
def test_decodes_unpacked_numbers(row: Record, encoded: bytes) -> None:
    assert record.decode(to_protobuf(row, UNPACKED).SerializeToString()) == row


@TABLE
def test_every_cut_is_refused_or_read_as_protobuf_reads_it(row: Record, encoded: bytes) -> None:
    for size in range(len(encoded)):
        assert_read_alike(encoded[:size])


UNKNOWN = bytes.fromhex("f83f 01  f93f 0102030405060708  fa3f 03 616263  fd3f 01020304  fb3f 0801 fc3f")


@TABLE
def test_skips_unknown_fields(row: Record, encoded: bytes) -> None:
    assert record.decode(UNKNOWN + encoded + UNKNOWN) == row
    assert from_protobuf(PROTOBUF.FromString(UNKNOWN + encoded + UNKNOWN)) == row


def test_a_repeated_entry_wins_and_a_repeated_tensor_is_merged() -> None:
    one, two = (record.encode(Record({"values": floats(x)})) for x in (1, 2))
    assert record.decode(one + two) == Record({"values": floats(2)})
    value = bytes.fromhex("1206 0a04 0000803f") + bytes.fromhex("1206 0a04 00000040")
    merged = b"\x0a" + bytes([len(value) + 4]) + b"\x0a\x00\x12" + bytes([len(value)]) + value
    assert record.decode(merged) == from_protobuf(PROTOBUF.FromString(merged)) == Record({"": floats(1, 2)})


def tensors() -> st.SearchStrategy[Tensor]:
    values = st.sampled_from([np.float32, np.float64, np.int32]).flatmap(lambda d: hnp.arrays(d, st.integers(0, 5)))
    keys = hnp.arrays(np.uint64, st.integers(0, 3))
    return st.builds(Tensor, values, keys, st.lists(st.integers(0, 2**64 - 1), max_size=2).map(tuple))


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
VALUES = st.none() | tensors() | st.builds(Bytes, st.lists(st.binary(max_size=5)).map(tuple), st.none() | TEXT)
RECORDS = st.builds(
    Record,
    st.dictionaries(TEXT, VALUES, max_size=3),
    st.dictionaries(TEXT, VALUES, max_size=2),
    st.none() | TEXT,
    st.none() | TEXT,
    st.none() | TEXT,
)


def without_nan(row: Record) -> Record:
    """Python's floats lose which NaN it was, so the oracle cannot keep it."""
    for value in (*row.features.values(), *row.label.values()):
        if isinstance(value, Tensor):
            value.values[np.isnan(value.values)] = 0
    return row


@given(RECORDS)
def test_round_trip(row: Record) -> None:
    assert record.decode(record.encode(row)) == row


@given(RECORDS.map(without_nan))
def test_protobuf_reads_ours_and_we_read_protobufs(row: Record) -> None:
    assert from_protobuf(PROTOBUF.FromString(record.encode(row))) == row
    assert record.decode(to_protobuf(row).SerializeToString()) == row
    assert record.decode(to_protobuf(row, UNPACKED).SerializeToString()) == row


def assert_read_alike(encoded: bytes) -> None:
    """Read as protobuf reads it; where protobuf refuses, FormatError."""
    try:
        theirs = from_protobuf(PROTOBUF.FromString(encoded))
    except (DecodeError, UnicodeDecodeError):
        with pytest.raises(FormatError) as error:
            record.decode(encoded)
        assert 0 <= error.value.offset <= len(encoded)
        return
    assert record.decode(encoded) == theirs


@given(
    RECORDS.map(without_nan), st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=3), st.integers(0, 99)
)
@settings(max_examples=400)
def test_damage_raises_nothing_but_format_errors(row: Record, changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(record.encode(row) or b"\0")
    for position, value in changes:
        data[position % len(data)] = value
    for damaged in (bytes(data), bytes(data[: cut % (len(data) + 1)])):
        try:
            record.decode(damaged)
        except FormatError as error:
            assert 0 <= error.offset <= len(damaged)  # noqa: PT017


BROKEN = {
    "tag 0": ("00", 0, "no field has tag 0"),
    "wire type 7": ("0f", 0, "no field has tag 15"),
    "field too long": ("0a05 0a00", 0, "field 1 reaches 3 bytes past"),
    "endless varint": ("08" + "ff" * 11, 1, "longer than 10 bytes"),
    "packed floats cut": ("0a0b 0a00 1207 1205 0a03 000000", 10, "3 bytes are no whole number of float32"),
    "packed varint cut": ("0a0b 0a00 1207 3a05 0a03 000080", 10, "a packed varint is cut short"),
    "text": ("1a01ff", 2, "not UTF-8"),
    "group without a begin": ("0c", 0, "group 1 ends"),
    "group without an end": ("0b", 0, "group 1 begins"),
}


@pytest.mark.parametrize(("encoded", "offset", "what"), BROKEN.values(), ids=BROKEN)
def test_broken_messages_are_refused_with_file_and_offset(encoded: str, offset: int, what: str) -> None:
    with pytest.raises(FormatError, match=what) as error:
        record.decode(bytes.fromhex(encoded), path="x.pbr", offset=100)
    assert str(error.value).startswith(f"x.pbr: byte {100 + offset}: ")
    assert error.value.remedy


def test_other_types_cannot_be_encoded() -> None:
    with pytest.raises(EmbertextError, match="a: a tensor of uint8 cannot be written"):
        record.encode(Record({"a": Tensor(np.zeros(1, np.uint8))}))
