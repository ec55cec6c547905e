import numpy as np
import pytest

from algorithms.counting import WordTable
from algorithms.kernels.lookup import UNKNOWN
from algorithms.text_classification.lines import Lines
from data.errors import ExampleError
from tests.labels import signed_hash

TEXT = "__label__a x y x\n\n__label__b y\nz __label__a __label__c\n__label__a x x\n"


def lines_of(text: str) -> Lines:
    table = WordTable()
    return Lines(table, table.encode(text.encode()))


def test_what_provisional_ids_are() -> None:
    lines = lines_of(TEXT)
    assert len(lines) == 4
    names = ["__label__a", "x", "y", "__label__b", "z", "__label__c", "</s>"]
    assert [lines.name(i) for i in range(7)] == names
    assert lines.hashes.tolist() == [signed_hash(name) for name in names]
    assert lines.is_label.tolist() == [name.startswith("__label__") for name in names]
    assert lines.end == 6
    assert lines.starts.tolist() == [0, 5, 8, 12, 16]


def test_the_mark_of_the_end_may_stand_in_the_text() -> None:
    """Words with its hash, or a part of it, do not stand for it."""
    lines = lines_of("__label__a <\u05cb> </s x\n__label__b </s> x\n")
    assert signed_hash("<\u05cb>") == signed_hash("</s>")
    assert lines.name(lines.end) == "</s>"
    assert lines.end == 5
    words, _ = lines.ranked(np.arange(2), min_count=1)
    assert dict(zip(words.words, words.counts.tolist(), strict=True)) == {"</s>": 2, "x": 2, "<\u05cb>": 1, "</s": 1}


@pytest.mark.parametrize("held_out", [0, 0.2, 0.5, 0.9])
def test_a_split_is_a_permutation(held_out: float) -> None:
    lines = lines_of("".join(f"__label__{i % 3} w{i}\n" for i in range(50)))
    train, validation = lines.split(held_out)
    assert sorted([*train.tolist(), *validation.tolist()]) == list(range(50))
    assert train.tolist() != sorted(train.tolist())
    assert validation.size == round(50 * held_out)
    again, _ = lines.split(held_out)
    np.testing.assert_array_equal(train, again)  # the same for every training


def test_what_is_held_out_is_part_of_what_is_held_out_of_more() -> None:
    lines = lines_of("".join(f"__label__{i % 3} w{i}\n" for i in range(50)))
    few, many = (set(lines.split(held_out)[1].tolist()) for held_out in (0.2, 0.5))
    assert few < many


def test_counts_are_those_of_the_lines_that_are_trained_on() -> None:
    lines = lines_of(TEXT)
    words, labels = lines.ranked(np.array([1, 3]), min_count=1)
    assert (words.words, words.counts.tolist()) == (["x", "</s>", "y"], [2, 2, 1])
    assert (labels.words, labels.counts.tolist()) == (["__label__a", "__label__b"], [1, 1])
    assert lines.rows().tolist() == [-2, 0, 2, -3, UNKNOWN, UNKNOWN, 1]


def test_rare_words_are_left_out_and_rare_labels_are_not() -> None:
    lines = lines_of(TEXT)
    words, labels = lines.ranked(np.arange(4), min_count=3)
    assert words.words == ["x", "</s>"]
    assert labels.words == ["__label__a", "__label__b", "__label__c"]


def test_a_line_without_a_label() -> None:
    with pytest.raises(ExampleError) as refused:
        lines_of("__label__a x\n\ny\nz\n").split(0.5)
    assert refused.value.index == 1  # blank lines do not count
