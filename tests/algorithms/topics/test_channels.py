import struct

import numpy as np
import pytest
from scipy import sparse

from algorithms.records import write_matrix
from algorithms.topics import channels
from algorithms.topics.counts import read
from data.errors import CorpusError

ROWS = np.array([[1, 0, 2], [0, 0.5, 0], [0, 3, 1]], np.float32)


def write(path, rows, *, dense=False):
    """Rows as one RecordIO file each width, one after the other."""
    with path.open("wb") as file:
        for some in rows if isinstance(rows, list) else [rows]:
            write_matrix(file, some if dense else sparse.csr_matrix(some))
    return str(path)


def collected(tmp_path, files, *, vocabulary="", feature_dim=0, channel="train"):
    found = channels.collect({channel: files}, vocabulary, tmp_path / "out", feature_dim=feature_dim)
    return found, [read(url) for url in found.channel(channel).files]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("dense", [False, True])
def test_rows_of_any_type(tmp_path, dtype, dense):
    rows = np.ceil(ROWS).astype(dtype)
    found, [matrix] = collected(tmp_path, [write(tmp_path / "a.pbr", rows, dense=dense)])
    assert matrix.toarray().tolist() == rows.tolist()
    assert matrix.dtype == np.float32
    assert (found.columns, found.vocabulary) == (3, [])
    assert found.channel("train")[1:] == ([3], float(rows.sum()))


def test_a_table(tmp_path, monkeypatch):
    monkeypatch.setattr(channels, "BLOCK", 5)
    (tmp_path / "a.csv").write_text("1,0,2\n\n0,0.5,0\r\n0,3,1e0")
    found, [matrix] = collected(tmp_path, [str(tmp_path / "a.csv")])
    assert matrix.toarray().tolist() == ROWS.tolist()
    assert found.channel("train").rows == [3]


def test_files_are_shards_in_their_order(tmp_path):
    files = [write(tmp_path / f"{i}.pbr", ROWS[i : i + 2]) for i in range(2)]
    found, matrices = collected(tmp_path, files, feature_dim=3)
    assert found.channel("train").rows == [2, 2]
    assert sparse.vstack(matrices).toarray().tolist() == [*ROWS[:2].tolist(), *ROWS[1:].tolist()]


def test_keys_that_repeat_are_added_and_zeros_go(tmp_path):
    matrix = sparse.csr_matrix((1, 3), dtype=np.float32)
    matrix.data, matrix.indices = np.array([1, 2, 0], np.float32), np.array([2, 2, 0], np.int32)
    matrix.indptr = np.array([0, 3], np.int32)
    with (tmp_path / "a.pbr").open("wb") as file:
        write_matrix(file, matrix)
    _, [found] = collected(tmp_path, [str(tmp_path / "a.pbr")])
    assert (found.indices.tolist(), found.data.tolist()) == ([2], [3.0])


@pytest.mark.parametrize("text", ["a\nb\nc\n", "a\nb\nc", "\ufeffa\r\nb\r\nc\r\n"])
def test_the_vocabulary(tmp_path, text):
    (tmp_path / "vocab.txt").write_bytes(text.encode())
    found, _ = collected(tmp_path, [write(tmp_path / "a.pbr", ROWS)], vocabulary=str(tmp_path / "vocab.txt"))
    assert found.vocabulary == ["a", "b", "c"]


def changed(value, *, at=(1, 0)):
    rows = ROWS.copy()
    rows[at] = value
    return rows


REFUSED = {
    "wider": (ROWS, 2, r"record 1: 3 columns, wider than feature_dim, 2; count the words of one vocabulary"),
    "narrower": (ROWS, 4, r"record 1: 3 columns, narrower than feature_dim, 4"),
    "wider later": ([ROWS[:2], np.ones((1, 5), np.float32)], 3, r"record 3 \(byte \d+\): a row of 5 columns"),
    "negative": (changed(-1), 0, r"record 2: a count of -1 in column 0; a count is from 0 to 1,000,000,000"),
    "nan": (changed(np.nan), 3, r"record 2: a count of nan in column 0"),
    "more than a count": (changed(3e38), 3, r"record 2: a count of 3e\+38 in column 0; a count is from 0 to"),
    "infinite": (changed(np.inf, at=(2, 2)), 3, r"record 3: a count of inf in column 2"),
    "empty": (np.vstack([ROWS, np.zeros((1, 3), np.float32)]), 0, r"record 4: an empty document; leave it out"),
    "first fault": (np.vstack([ROWS[:1], np.zeros((1, 3)), changed(-1)]).astype("f"), 0, r"record 2: an empty"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_records_that_are_refused(tmp_path, fault):
    rows, feature_dim, message = REFUSED[fault]
    path = write(tmp_path / "a.pbr", rows)
    with pytest.raises(CorpusError, match=f"^channel validation: {path}: {message}") as caught:
        collected(tmp_path, [path], feature_dim=feature_dim, channel="validation")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dense", [False, True])
def test_all_faults_of_dense_records(tmp_path, dense):
    path = write(tmp_path / "a.pbr", changed(-2, at=(2, 2)), dense=dense)
    with pytest.raises(CorpusError, match="record 3: a count of -2 in column 2"):
        collected(tmp_path, [path])


@pytest.mark.parametrize("cut", [1, 9, 30])
def test_a_shard_cut_short(tmp_path, cut):
    path = tmp_path / "a.pbr"
    write(path, ROWS)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(
        CorpusError, match=r"^channel train: .*a.pbr: record 3 \(byte \d+\): .*; the file was cut short"
    ):
        collected(tmp_path, [str(path)])


def test_a_file_without_records(tmp_path):
    (tmp_path / "a.pbr").write_bytes(b"")
    with pytest.raises(CorpusError, match=r"record 1 \(byte 0\): no records"):
        collected(tmp_path, [str(tmp_path / "a.pbr")])
    (tmp_path / "a.csv").write_bytes(b"\n")
    with pytest.raises(CorpusError, match=r"^channel train: .*a.csv: no records; give documents"):
        collected(tmp_path, [str(tmp_path / "a.csv")])


def test_a_file_that_is_no_recordio(tmp_path):
    (tmp_path / "a.pbr").write_bytes(b"hello, world")
    with pytest.raises(CorpusError, match=r"record 1 \(byte 0\): magic 0x6c6c6568.*is this file RecordIO"):
        collected(tmp_path, [str(tmp_path / "a.pbr")])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,0\n1,x\n", "line 2: 'x' is no number; write one count a word"),
        ("1,0\n\n1,0,1\n", "line 3: 3 columns, the line before it has 2"),
        ("1,0\n0,0\n", "line 2: an empty document"),
        ("1,0\n0,-1\n", "line 2: a count of -1 in column 1"),
        ("1,0\n0,nan\n", "line 2: a count of nan in column 1"),
        ("1,\n", "line 1: '' is no number"),
    ],
)
def test_lines_that_are_refused(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(CorpusError, match=f"^channel train: .*a.csv: {message}"):
        collected(tmp_path, [str(tmp_path / "a.csv")])


@pytest.mark.parametrize(
    ("data", "feature_dim", "message"),
    [
        (b"a\nb\n", 0, r"2 words, and the records have 3 columns; write one word a line"),
        (b"a\nb\n", 3, r"2 words, and the records have 3 columns"),
        (b"a\n\nc\n", 0, r"line 2: a blank line; write one word a line"),
        (b"a\nb\xff\nc\n", 0, r"not UTF-8 \(byte 0xff at 3\)"),
    ],
)
def test_a_vocabulary_that_is_refused(tmp_path, data, feature_dim, message):
    (tmp_path / "vocab.txt").write_bytes(data)
    files, vocabulary = [write(tmp_path / "a.pbr", ROWS)], str(tmp_path / "vocab.txt")
    with pytest.raises(CorpusError, match=f"^channel auxiliary: .*vocab.txt: {message}"):
        collected(tmp_path, files, vocabulary=vocabulary, feature_dim=feature_dim)


def test_which_record_a_byte_belongs_to(tmp_path):
    """Frames of 8 bytes with a payload of 4; the second record is in two parts, the third has payload 6, padded."""
    frames = [(0, 4), (1, 4), (3, 4), (0, 6), (0, 4)]
    data = b"".join(
        struct.pack("<II", 0xCED7230A, flag << 29 | size) + bytes(-(-size // 4) * 4) for flag, size in frames
    )
    found = [channels._number(data, offset) for offset in range(0, len(data) + 1, 4)]
    assert found == [1] * 3 + [2] * 6 + [3] * 4 + [4] * 3 + [5]
