from pathlib import Path

import numpy as np

from algorithms.topics.counts import Counting
from algorithms.topics.reference import counted
from data import sources


def of(text: str, words: list[str], place: Path, **counting: object) -> np.ndarray:
    place.joinpath("other.txt").write_text(text, encoding="utf-8")
    source = sources.find(str(place / "other.txt"), cache=place)
    blocks = list(counted(source, words, Counting(**counting)))
    assert blocks[-1][1] == 1
    return np.concatenate([block.toarray() for block, _ in blocks])


def test_known_words_are_counted_and_no_document_is_left_out(tmp_path):
    found = of("Pears, apples; pears!\nunknown\nApples the\n", ["apples", "pears"], tmp_path)
    assert found.dtype == np.float32
    assert found.tolist() == [[1, 2], [0, 0], [1, 0]]


def test_forms_of_a_word_are_one(tmp_path):
    assert of("pear pears\n", ["pear"], tmp_path, lemmatizer="snowball").tolist() == [[2]]
