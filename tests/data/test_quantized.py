import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from data import quantized
from data.cursor import Cursor
from data.errors import FormatError
from data.quantized import QuantizedMatrix, read_quantized_matrix, write_quantized_matrix


def matrix(rows: int, columns: int, dsub: int, *, norms: bool = False, seed: int = 0) -> QuantizedMatrix:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 256, (rows, -(-columns // dsub)), np.uint8)
    centroids = rng.standard_normal(256 * columns, np.float32)
    if not norms:
        return QuantizedMatrix(codes, centroids, dsub)
    return QuantizedMatrix(codes, centroids, dsub, rng.integers(0, 256, rows, np.uint8), rng.random(256, np.float32))


def written(made: QuantizedMatrix) -> bytes:
    file = io.BytesIO()
    write_quantized_matrix(file, made)
    return file.getvalue()


def read(data: bytes, columns: int) -> QuantizedMatrix:
    cursor = Cursor(data, "model.ftz")
    made = read_quantized_matrix(cursor, columns=columns)
    assert not cursor.left
    return made


def naive_dense(made: QuantizedMatrix) -> NDArray[np.float32]:
    """ProductQuantizer::addcode onto zeros, one number at a time."""
    rows, columns = made.shape
    dense = np.zeros((rows, columns), np.float32)
    for row in range(rows):
        norm = made.norms[made.norm_codes[row]] if made.norms is not None else np.float32(1)
        for q, code in enumerate(made.codes[row].tolist()):
            size = min(made.dsub, columns - q * made.dsub)
            first = q * made.dsub * 256 + code * size
            for n in range(size):
                dense[row, q * made.dsub + n] += norm * made.centroids[first + n]
    return dense


def naive_bytes(made: QuantizedMatrix) -> bytes:
    """QuantMatrix::save, field by field."""
    rows, columns = made.shape
    last = columns % made.dsub or made.dsub
    size = len(made.codes.tobytes())
    data = struct.pack("<?qqi", made.norms is not None, rows, columns, size) + made.codes.tobytes()
    data += struct.pack("<4i", columns, made.codes.shape[1], made.dsub, last) + made.centroids.tobytes()
    if made.norms is not None:
        data += made.norm_codes.tobytes() + struct.pack("<4i", 1, 1, 1, 1) + made.norms.tobytes()
    return data


@given(
    rows=st.integers(0, 9),
    columns=st.integers(1, 9),
    dsub=st.integers(1, 12),
    norms=st.booleans(),
    seed=st.integers(0, 99),
)
def test_the_format(rows: int, columns: int, dsub: int, norms: bool, seed: int) -> None:
    made = matrix(rows, columns, dsub, norms=norms, seed=seed)
    data = written(made)
    assert data == naive_bytes(made)
    again = read(data, columns)
    assert written(again) == data
    assert again.shape == (rows, columns)
    np.testing.assert_array_equal(again.dense(), naive_dense(made))


def test_many_rows_are_decoded_in_blocks_and_some_alone() -> None:
    made = matrix(10_000, 5, 2, norms=True)
    dense = made.dense()
    some = np.array([9_999, 0, 4_096, 0])
    np.testing.assert_array_equal(made.rows(some), dense[some])
    part = QuantizedMatrix(made.codes[some], made.centroids, made.dsub, made.norm_codes[some], made.norms)
    np.testing.assert_array_equal(naive_dense(part), dense[some])


@pytest.mark.parametrize("norms", [False, True])
def test_every_cut_is_refused(norms: bool) -> None:
    data = written(matrix(3, 5, 2, norms=norms))
    for size in [*range(60), *range(60, len(data), 97), len(data) - 1]:
        with pytest.raises(FormatError, match="the file ends after"):
            read(data[:size], 5)


# Fields of matrix(3, 5, 2, norms=True): where, and what is written over them
SHAPE, CODES = 1, 1 + 20
QUANTISER = CODES + 9
NORM_CODES = QUANTISER + 16 + 4 * 256 * 5
NORMS = NORM_CODES + 3
INT, LONG = struct.Struct("<i").pack, struct.Struct("<q").pack
BROKEN = {
    "a flag that is none": (0, b"\2", 0, "the flag 'norms apart' is 2"),
    "no rows below zero": (SHAPE, LONG(-1), SHAPE, "-1 rows"),
    "more rows than codes": (SHAPE, LONG(4), SHAPE, "4 rows of 3 codes are not 9 codes"),
    "huge": (SHAPE, LONG(2**62), SHAPE, "rows of 3 codes are not 9"),
    "no rows with codes": (SHAPE, LONG(0), SHAPE, "0 rows of 3 codes are not 9 codes"),
    "other columns": (SHAPE + 8, LONG(6), SHAPE + 8, "6 columns, the settings say 5"),
    "negative codes": (SHAPE + 16, INT(-9), SHAPE, "-9 codes"),
    "more codes than bytes": (SHAPE + 16, INT(2**31 - 1), CODES, "2147483647 codes take"),
    "a quantiser of other columns": (QUANTISER, INT(2**31 - 1), QUANTISER, "2147483647 columns, its matrix 5"),
    "other sub-vectors": (QUANTISER + 4, INT(5), QUANTISER + 4, "not 5 sub-vectors of 2, the last of 1"),
    "sub-vectors of nothing": (QUANTISER + 8, INT(0), QUANTISER + 4, "sub-vectors of 0"),
    "negative sub-vectors": (QUANTISER + 8, INT(-2), QUANTISER + 4, "sub-vectors of -2"),
    "sub-vectors that overlap": (QUANTISER + 12, INT(2), QUANTISER + 4, "the last of 2"),
    "consistent, but not with the codes": (QUANTISER, struct.pack("<4i", 5, 2, 3, 2), SHAPE, "3 rows of 2 codes"),
    "norms of two columns": (NORMS, struct.pack("<4i", 2, 2, 1, 1), NORMS, "a quantiser has 2 columns, its matrix 1"),
    "norms in pairs": (NORMS, struct.pack("<4i", 1, 1, 2, 2), NORMS + 4, "1 columns are not 1 sub-vectors of 2"),
}


@pytest.mark.parametrize(("at", "patch", "offset", "what"), BROKEN.values(), ids=BROKEN)
def test_tampered_sizes_are_refused(at: int, patch: bytes, offset: int, what: str) -> None:
    data = bytearray(written(matrix(3, 5, 2, norms=True)))
    data[at : at + len(patch)] = patch
    with pytest.raises(FormatError) as error:
        read(bytes(data), 5)
    assert what in str(error.value)
    assert error.value.offset == offset


def test_a_small_file_does_not_stand_for_a_large_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    data = written(matrix(40_000, 500, 500))  # 80 MB in half a megabyte
    with pytest.raises(FormatError, match="decodes to 80000000 bytes, for this file at most 67108864"):
        read(data, 500)
    monkeypatch.setattr(quantized, "ALWAYS_READ", 1 << 27)
    assert read(data, 500).shape == (40_000, 500)


def test_usual_sub_vectors_are_read_whatever_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantized, "ALWAYS_READ", 0)
    read(written(matrix(100_000, 48, 16)), 48)
    with pytest.raises(FormatError, match="decodes to"):
        read(written(matrix(100_000, 48, 24)), 48)


def test_the_writer_keeps_to_what_a_file_can_hold() -> None:
    made = matrix(3, 4, 2)
    with pytest.raises(AssertionError):
        written(QuantizedMatrix(made.codes, made.centroids, 1))
    with pytest.raises(AssertionError):
        written(QuantizedMatrix(made.codes, made.centroids, 2, norm_codes=made.codes[:, 0]))
