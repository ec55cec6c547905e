import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels import lookup
from algorithms.kernels.lookup import UNKNOWN, enter_buckets, enter_words, hash_words, mark
from tests import subwords
from tests.labels import signed_hash
from tests.strategies import words

# pairs of words with the same 32-bit FNV-1a hash
TWINS = ["costarring", "liquid", "declinate", "macallums", "altarage", "zinke"]
LARGEST = 2**31 - 2  # a bucket's number

buckets_drawn = st.lists(st.integers(0, 40) | st.integers(0, LARGEST), unique=True, max_size=40)


@njit(cache=True)
def rows_of(buckets, words, slots, rows):
    for i in range(buckets.size):
        lookup.ask_for_bucket(np.uint64(buckets[i]), slots)
        rows[i] = lookup.bucket_row(np.uint64(buckets[i]), words, slots)


@njit(cache=True)
def entered(bucket, number, place, slots):
    lookup.enter_bucket(np.uint64(bucket), number, place, slots)


@njit(cache=True)
def found(text, ends, codes, slots, letters, letter_ends, numbers):
    first = 0
    for i in range(ends.size):
        code = np.uint32(codes[i])
        lookup.ask_for_word(code, slots)
        numbers[i] = lookup.find(text, first, ends[i], code, slots, letters, letter_ends)
        first = ends[i]


def empty(size: int) -> NDArray[np.int64]:
    return np.full(size, -1, np.int64)


def rows(buckets: list[int], slots: NDArray[np.int64], *, words: int = 0) -> list[int]:
    result = np.zeros(len(buckets), np.int64)
    rows_of(np.array(buckets, np.int64), words, slots, result)
    return result.tolist()


def joined(some: list[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The letters of words, and where each ends."""
    encoded = [word.encode() for word in some]
    return np.frombuffer(b"".join(encoded), np.uint8).copy(), np.cumsum([len(word) for word in encoded], dtype=np.int64)


def hashes(some: list[str]) -> NDArray[np.int32]:
    result = np.zeros(len(some), np.int32)
    hash_words(*joined(some), result)
    return result


@given(buckets_drawn, buckets_drawn, st.integers(0, 10**6))
def test_each_bucket_has_its_row(known: list[int], asked: list[int], words: int) -> None:
    slots = empty(128)
    enter_buckets(slots, np.array(known, np.int64))
    assert rows(known, slots, words=words) == [words + i for i in range(len(known))]
    strangers = [bucket for bucket in asked if bucket not in known]
    places = [-1 - row for row in rows(strangers, slots, words=words)]
    assert all(0 <= place < 128 and slots[place] == -1 for place in places)
    for number, bucket in enumerate(strangers, len(known)):  # as a kernel does that meets a new one
        place = -1 - rows([bucket], slots)[0]
        entered(bucket, number, place, slots)
    assert rows([*known, *strangers], slots) == list(range(len(known) + len(strangers)))


def test_without_a_table_each_bucket_is_its_own_row() -> None:
    assert rows([0, 7, LARGEST], empty(0), words=5) == [5, 12, LARGEST + 5]


def test_a_nearly_full_table_is_searched_to_its_end_and_around() -> None:
    slots, known = empty(64), list(range(0, 63 * 1000, 1000))
    enter_buckets(slots, np.array(known))
    assert (slots >= 0).sum() == 63
    assert rows(known, slots) == list(range(63))
    assert rows([1, 2, 3], slots) == [-1 - int(np.flatnonzero(slots < 0)[0])] * 3


@given(st.lists(words))
def test_hashes_are_fasttexts(some: list[str]) -> None:
    assert hashes(some).tolist() == [signed_hash(word) for word in some]


def test_hashes_of_every_byte() -> None:
    letters, ends = np.arange(256, dtype=np.uint8), np.arange(1, 257)
    result = np.zeros(256, np.int32)
    hash_words(letters, ends, result)
    assert result.view(np.uint32).tolist() == [subwords.word_hash(bytes([byte])) for byte in range(256)]


def numbers(asked: list[str], known: list[str], *, size: int = 256) -> list[int]:
    slots, result = empty(size), np.zeros(len(asked), np.int64)
    enter_words(slots, hashes(known))
    text, ends = joined(asked)
    text.flags.writeable = False  # as a text is
    found(text, ends, hashes(asked), slots, *joined(known), result)
    return result.tolist()


@given(st.lists(words, unique=True, max_size=60), st.lists(words))
def test_each_word_is_found(known: list[str], others: list[str]) -> None:
    expected = {word: i for i, word in enumerate(known)}
    assert numbers([*known, *others], known) == [expected.get(word, UNKNOWN) for word in [*known, *others]]


@pytest.mark.parametrize("known", [TWINS, TWINS[::-1], TWINS[::2], TWINS[1::2], []], ids=str)
def test_words_of_equal_hash_stay_apart(known: list[str]) -> None:
    assert len(set(hashes(TWINS).tolist())) == 3
    assert numbers(TWINS, known, size=16) == [known.index(word) if word in known else UNKNOWN for word in TWINS]


def test_a_word_is_not_found_by_its_beginning() -> None:
    assert numbers(["a", "ab", "abc", ""], ["ab"]) == [UNKNOWN, 0, UNKNOWN, UNKNOWN]


def test_marks_what_begins_with_the_prefix() -> None:
    some = ["__label__a", "__label__", "__label_", "a__label__", "", "__LABEL__a", "__label__é"]
    marked = np.ones(len(some), np.bool_)
    mark(*joined(some), np.frombuffer(b"__label__", np.uint8).copy(), marked)
    assert marked.tolist() == [word.startswith("__label__") for word in some]
