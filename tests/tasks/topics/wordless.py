"""Counts whose words are not known."""

import shutil
from pathlib import Path

from tasks.topics.text import VOCABULARY, Prepared


def without_words(prepared: Prepared, folder: Path) -> str:
    """The URL of a copy of the counts that has no vocab.txt."""
    copy = shutil.copytree(prepared.url, folder / "wordless")
    (copy / VOCABULARY).unlink()
    return str(copy)
