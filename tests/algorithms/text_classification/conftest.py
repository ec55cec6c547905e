"""A few classes with words of their own, prepared once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from algorithms.text_classification.encode import encode
from data.examples import Examples
from tests.labels import planted_lines


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
    return prepare(planted_lines(440), held_out=0.1)


@pytest.fixture(scope="session")
def several(prepare: Callable[..., Examples]) -> Examples:
    """Lines of one class or of two."""
    return prepare(planted_lines(400, several=True))
