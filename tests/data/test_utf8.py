import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import utf8
from data.errors import CorpusError
from data.streams import Member


def member(data: bytes, name: str = "a.txt") -> Member:
    return Member(name, name, io.BytesIO(data))


def _tokens(data: bytes) -> list[bytes]:
    return data.replace(b"\0", b" ").split()


@given(st.text(alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from(" \n\t\0ab"))), st.integers(1, 50))
def test_pieces_keep_every_token(text: str, size: int) -> None:
    data = text.encode().removeprefix(b"\xef\xbb\xbf")
    found = list(utf8.pieces(member(data), size=size))
    assert all(piece.decode() is not None for piece in found)
    assert [token for piece in found for token in piece.split()] == _tokens(data)
    whole = b"".join(found)
    assert whole.count(b"\n") - data.count(b"\n") in (0, 1)
    assert not whole or whole.endswith(b"\n")
    assert all(piece[-1:] in utf8.SEPARATORS for piece in found)


@given(st.text(alphabet="ab éß𝄞\n", min_size=1), st.integers(0, 40), st.integers(1, 20))
def test_a_wrong_byte_is_found_whatever_the_pieces(text: str, at: int, size: int) -> None:
    data = text.encode()
    at = min(at, len(data))
    while at < len(data) and data[at] & 0xC0 == 0x80:
        at -= 1
    line = 1 + data.count(b"\n", 0, at)
    broken = data[:at] + b"\xff" + data[at:]
    with pytest.raises(
        CorpusError, match=rf"a\.txt: line {line}, byte {at}: not UTF-8 \(byte 0xff\); convert it: iconv"
    ):
        list(utf8.pieces(member(broken), size=size))


def test_utf8_is_checked_across_slices() -> None:
    data = ("é" * 40_000 + " ").encode() + b"a" * 33_000 + "日本 ".encode() * 50_000
    assert b"".join(utf8.pieces(member(data))) == data + b"\n"
    with pytest.raises(CorpusError, match=rf"byte {len(data)}: not UTF-8 \(byte 0xe9\)"):
        list(utf8.pieces(member(data + "\xe9 ".encode("latin-1"))))


def test_utf16_is_told_apart() -> None:
    with pytest.raises(CorpusError, match="iconv -f utf-16"):
        list(utf8.pieces(member("a b".encode("utf-16"))))


def test_one_long_line() -> None:
    data = b"word " * 200_000
    found = list(utf8.pieces(member(data), size=1 << 16))
    assert max(map(len, found)) <= (1 << 16) + 5
    assert b"".join(found) == data + b"\n"


def test_a_cut_prefers_the_end_of_a_sentence() -> None:
    first, *_ = utf8.pieces(member(b"a b c\nd e f g h\ni j"), size=10)
    assert first == b"a b c\n"


def test_an_endless_token_is_refused() -> None:
    with pytest.raises(CorpusError, match=r"a\.txt: byte 4: no white space in \d+ bytes; give text"):
        list(utf8.pieces(member(b"abc " + b"x" * 5000), size=100, longest=1000))


def test_nul_is_a_space_and_a_byte_order_mark_goes() -> None:
    assert list(utf8.pieces(member(b"\xef\xbb\xbfa\0b\r\n"))) == [b"a b\r\n"]


def test_lines_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utf8, "LONGEST_LINE", 10)
    assert [line.offset for line in utf8.lines(member(b"short\nshort\n"))] == [0, 6]
    with pytest.raises(CorpusError, match=r"a\.txt: line 2, byte 6: a line of more than"):
        list(utf8.lines(member(b"short\n" + b"long" * 10)))
