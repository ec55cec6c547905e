import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algorithms.kernels import row_reader
from data import recordio
from data.errors import FormatError
from data.recordio import MAGIC_BYTES as M

PAYLOADS = st.lists(
    st.lists(st.sampled_from([M, M[:1], b"", b"abcd", b"x"])).map(b"".join) | st.binary(), min_size=1, max_size=9
)


def heads(buffer: bytes, room: int) -> tuple[int, list[int], list[int]]:
    """How far the kernel comes in calls for so many frames, and what it notes."""
    data = np.frombuffer(buffer, np.uint8)
    starts, headers = np.zeros(len(data), np.int64), np.zeros(len(data), np.uint32)
    at = count = 0
    while True:
        end = min(count + room, len(starts))
        further, count = row_reader.frames(starts[:end], headers[:end], data, at, count)
        if further in (at, len(data)) or count < end:
            return further, starts[:count].tolist(), headers[:count].tolist()
        at = further


@settings(deadline=None)
@given(PAYLOADS, st.integers(1, 9))
def test_notes_all_frames(payloads: list[bytes], room: int) -> None:
    buffer = b"".join(map(recordio.frame, payloads))
    starts, headers = recordio._walk(np.frombuffer(buffer, np.uint8), "x")
    assert heads(buffer, room) == (len(buffer), starts.tolist(), headers.tolist())


@settings(deadline=None)
@given(PAYLOADS, st.integers(1, 9), st.data())
def test_comes_to_the_end_of_sound_files_alone(payloads: list[bytes], room: int, data: st.DataObject) -> None:
    buffer = bytearray(b"".join(map(recordio.frame, payloads)))
    for _ in range(data.draw(st.integers(0, 2))):
        place = data.draw(st.sampled_from([0, 4, 5, 7, -1]) | st.integers(0, len(buffer) - 1))
        buffer[place] = data.draw(st.sampled_from([0, 1, 4, 0x20, 0x40, 0x60, 0x80, 0xFF]) | st.integers(0, 255))
    cut = bytes(buffer[: data.draw(st.just(len(buffer)) | st.integers(8, len(buffer)))])
    end, starts, _ = heads(cut, room)
    try:
        expected, _ = recordio._walk(np.frombuffer(cut, np.uint8), "x")
    except FormatError:
        assert end < len(cut)
    else:
        assert (end, starts) == (len(cut), expected.tolist())


def test_a_file_without_an_end_is_not_sound() -> None:
    first = M + b"\0\0\0\x20"
    whole = recordio.frame(b"abc")
    assert heads(whole + first, 9)[0] == len(whole)
    with pytest.raises(FormatError, match="before the last part"):
        recordio.scan(whole + first, path="x")
