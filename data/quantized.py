"""Product-quantised matrices: a row is one byte for every few columns, the number of the nearest of 256 centroids.

    bool norms apart; int64 rows R, int64 columns D, int32 codes R * Q
    uint8 codes (R, Q), a sub-vector of `dsub` columns each: Q = ceil(D / dsub)
    quantiser of the rows
    where norms are apart: uint8 codes of the norms (R,), quantiser of the norms (D = 1)
    quantiser   int32 D, Q, dsub, columns of the last sub-vector; float32 centroids (256 * D,)

(Jégou, Douze & Schmid 2011, "Product quantization for nearest neighbor search"; facebookresearch/fastText,
src/quantmatrix.cc, productquantizer.cc.) It does not know how centroids are found.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from data.cursor import Cursor

CENTROIDS = 256  # what a byte can number

# A row of D floats may be a single byte in the file, and the centroids of D columns are shared by all rows: what a
# matrix takes when decoded grows with the square of the file. Sub-vectors of up to 16 columns stay within this bound.
MAX_EXPANSION = 64
ALWAYS_READ = 1 << 26  # bytes of a decoded matrix

_SHAPE = struct.Struct("<qqi")
_QUANTISER = struct.Struct("<iiii")
_BLOCK = 1 << 12  # rows decoded at a time, so that their centroids' numbers stay in the cache


@dataclass(frozen=True, eq=False)
class QuantizedMatrix:
    """A matrix (R, D) of float32 as codes and centroids, and perhaps norms that multiply its rows."""

    codes: NDArray[np.uint8]  # (R, Q)
    centroids: NDArray[np.float32]  # (256 * D,): for one sub-vector after the other 256 rows of its columns
    dsub: int  # columns of a sub-vector; the last one has what remains
    norm_codes: NDArray[np.uint8] | None = None  # (R,)
    norms: NDArray[np.float32] | None = None  # (256,)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the matrix that this stands for."""
        return len(self.codes), self.centroids.size // CENTROIDS

    def dense(self) -> NDArray[np.float32]:
        """The matrix (R, D) float32, number for number what fastText adds up."""
        decoded = np.empty(self.shape, np.float32)
        for first in range(0, len(decoded), _BLOCK):
            self._decode(slice(first, first + _BLOCK), decoded[first : first + _BLOCK])
        return decoded

    def rows(self, numbers: NDArray[np.integer]) -> NDArray[np.float32]:
        """The rows of these numbers (N,), (N, D) float32."""
        decoded = np.empty((len(numbers), self.shape[1]), np.float32)
        self._decode(numbers, decoded)
        return decoded

    def _decode(self, which: "slice | NDArray[np.integer]", decoded: NDArray[np.float32]) -> None:
        """Decodes some rows. In place."""
        codes, columns = self.codes[which], self.shape[1]
        whole = columns // self.dsub
        end = whole * self.dsub
        if whole:
            table = self.centroids[: CENTROIDS * end].reshape(-1, self.dsub)
            picked = codes[:, :whole] + np.arange(0, CENTROIDS * whole, CENTROIDS)
            decoded[:, :end] = table[picked].reshape(len(codes), end)
        if end < columns:
            decoded[:, end:] = self.centroids[CENTROIDS * end :].reshape(CENTROIDS, -1)[codes[:, whole]]
        if self.norms is not None and self.norm_codes is not None:
            decoded *= self.norms[self.norm_codes[which], None]


def write_quantized_matrix(file: BinaryIO, matrix: QuantizedMatrix) -> None:
    """Writes a matrix as fastText does."""
    (rows, columns), sub_vectors = matrix.shape, -(-matrix.shape[1] // matrix.dsub)
    assert matrix.codes.shape == (rows, sub_vectors), (matrix.codes.shape, columns, matrix.dsub)
    assert matrix.codes.size < 1 << 31, "fastText counts codes in 32 bits"
    assert (matrix.norms is None) == (matrix.norm_codes is None)
    file.write(struct.pack("<?", matrix.norms is not None) + _SHAPE.pack(rows, columns, matrix.codes.size))
    file.write(np.ascontiguousarray(matrix.codes, np.uint8).tobytes())
    _write_quantiser(file, matrix.centroids, matrix.dsub)
    if matrix.norms is not None and matrix.norm_codes is not None:
        assert matrix.norm_codes.shape == (rows,), matrix.norm_codes.shape
        file.write(np.ascontiguousarray(matrix.norm_codes, np.uint8).tobytes())
        _write_quantiser(file, matrix.norms, 1)


def _write_quantiser(file: BinaryIO, centroids: NDArray[np.float32], dsub: int) -> None:
    columns, remainder = divmod(centroids.size, CENTROIDS)
    assert centroids.ndim == 1, centroids.shape
    assert remainder == 0, centroids.shape
    file.write(_QUANTISER.pack(columns, -(-columns // dsub), dsub, columns % dsub or dsub))
    file.write(np.ascontiguousarray(centroids, "<f4").tobytes())


def read_quantized_matrix(cursor: Cursor, *, columns: int) -> QuantizedMatrix:
    """A matrix of so many columns. Raises FormatError where it is cut short or its sizes contradict each other."""
    has_norms = cursor.flag("norms apart")
    offset = cursor.position
    rows, width, size = cursor.unpack(_SHAPE, "a quantised matrix's shape")
    if width != columns:
        cursor.refuse(f"a quantised matrix has {width} columns, the settings say {columns}", offset + 8)
    if rows < 0 or size < 0:
        cursor.refuse(f"a quantised matrix has {rows} rows and {size} codes", offset)
    begin = cursor.need(size, f"{size} codes")
    dsub, centroids = _read_quantiser(cursor, columns)
    sub_vectors = -(-columns // dsub)
    if rows * sub_vectors != size:
        cursor.refuse(f"{rows} rows of {sub_vectors} codes are not {size} codes", offset)
    decoded, limit = 4 * rows * columns, max(ALWAYS_READ, MAX_EXPANSION * len(cursor.data))
    if decoded > limit:
        cursor.refuse(f"a quantised matrix decodes to {decoded} bytes, for this file at most {limit}", offset)
    codes = np.frombuffer(cursor.data, np.uint8, size, begin).reshape(rows, sub_vectors).copy()
    if not has_norms:
        return QuantizedMatrix(codes, centroids, dsub)
    norm_codes = cursor.array("u1", (rows,), f"{rows} codes of norms")
    _, norms = _read_quantiser(cursor, 1)
    return QuantizedMatrix(codes, centroids, dsub, norm_codes, norms)


def _read_quantiser(cursor: Cursor, columns: int) -> tuple[int, NDArray[np.float32]]:
    """Columns of a sub-vector, and the centroids."""
    offset = cursor.position
    width, sub_vectors, dsub, rest = cursor.unpack(_QUANTISER, "a quantiser's sizes")
    if width != columns:
        cursor.refuse(f"a quantiser has {width} columns, its matrix {columns}", offset)
    if dsub < 1 or sub_vectors != -(-columns // dsub) or rest != (columns % dsub or dsub):
        what = f"{columns} columns are not {sub_vectors} sub-vectors of {dsub}, the last of {rest}"
        cursor.refuse(what, offset + 4)
    return dsub, cursor.array("<f4", (CENTROIDS * columns,), f"the centroids of {columns} columns")
