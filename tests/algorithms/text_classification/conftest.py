"""A few classes with words of their own, prepared once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from algorithms.text_classification.encode import encode
from data.examples import Examples

CLASSES = {
    "tiere": ["katze", "hund", "mäuse", "vögel", "鳥", "fische"],
    "möbel": ["tisch", "stühle", "bett", "lampe", "机", "sofa"],
    "essen": ["brot", "käse", "wein", "suppe", "米", "salat"],
}
COMMON = ["und", "der", "die"]


def lines_of(count: int, *, several: bool = False, seed: int = 5) -> list[str]:
    """Lines of seven words, most of them from their class; where there are several, each has words in it."""
    rng, lines = np.random.default_rng(seed), list[str]()
    names = list(CLASSES)
    for i in range(count):
        own = rng.permutation(names)[: 1 + several * rng.integers(2)]
        words = [word for name in own for word in rng.choice(CLASSES[name], 4)] + [*rng.choice(COMMON, 3)]
        lines.append(" ".join([*(f"__label__{name}" for name in own), *rng.permutation(words), f"n{i % 50}"]))
    return lines


@pytest.fixture(scope="session")
def prepare(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Examples]:
    """Lines as examples, with settings that keep every word."""

    def prepared(lines: list[str], **settings: Any) -> Examples:
        usual = {"min_count": 1, "word_ngrams": 2, "buckets": 3000}
        folder: Path = tmp_path_factory.mktemp("examples")
        return encode([("\n".join(lines)).encode()], folder, **(usual | settings))

    return prepared


@pytest.fixture(scope="session")
def planted(prepare: Callable[..., Examples]) -> Examples:
    """Three classes, a tenth of their lines held out."""
    return prepare(lines_of(440), held_out=0.1)


@pytest.fixture(scope="session")
def several(prepare: Callable[..., Examples]) -> Examples:
    """Lines of one class or of two."""
    return prepare(lines_of(400, several=True))
