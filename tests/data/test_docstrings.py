import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from data import docstrings

SENTENCE = "Twelve or more words make a docstring long enough to be a document here."


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = "embertext_fake_package"
    files = {
        "__init__.py": f'"""Module: {SENTENCE}"""\nraise RuntimeError("was imported")\n',
        "b.py": f'class A:\n    """Class: {SENTENCE}"""\n\n    async def f(self):\n        """Async: {SENTENCE}"""\n',
        "a.py": (
            f'try:\n    def g():\n        """Nested: {SENTENCE}"""\n'
            f'        def h():\n            """Inner: {SENTENCE}"""\nexcept E:\n    pass\n'
            f'def short():\n    """Return the name."""\ndef again():\n    """Module: {SENTENCE}"""\n'
        ),
        "escapes.py": f"def e():\n    '''Escape \\d \\ud800: {SENTENCE}'''\n",
        "broken.py": f'def (:\n    """Broken: {SENTENCE}"""\n',
        "nul.py": f'"""Nul: {SENTENCE}"""\n\0',
        "plain.py": "x = 1\n",
        "tests/test_it.py": f'"""Test: {SENTENCE}"""\n',
    }
    for file, text in files.items():
        path = tmp_path / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    return name


def _documents(packages: dict[str, str]) -> list[dict[str, str]]:
    return [json.loads(line) for part in docstrings.extract(packages, cores=2) for line in part.lines.splitlines()]


def test_what_is_found_and_in_which_order(package: str) -> None:
    found = _documents({package: package, "embertext_no_such_package": "x"})
    assert [document["text"].split(":")[0] for document in found] == [
        "Module",
        "Nested",
        "Inner",
        "Class",
        "Async",
        "Escape \\d ?",
    ]
    assert {document["label"] for document in found} == {package}
    assert package not in sys.modules


def test_progress_rises_to_one(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docstrings, "_BATCH", 1)
    progress = [part.progress for part in docstrings.extract({package: package}, cores=1)]
    assert len(progress) > 3
    assert progress == sorted(progress)
    assert progress[-1] == 1.0


def test_no_packages_give_nothing() -> None:
    assert list(docstrings.extract({"embertext_no_such_package": "x"}, cores=2)) == []


def test_a_real_package_twice() -> None:
    found = _documents({"joblib": "joblib"})
    assert found == _documents({"joblib": "joblib"})
    assert 80 < len(found) < 1000
    assert max(Counter(document["text"] for document in found).values()) == 1


def test_the_key_follows_the_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    before = docstrings.key({"joblib": "joblib"})
    assert before == docstrings.key({"joblib": "joblib"})
    assert before != docstrings.key({"joblib": "joblib", "numpy": "numpy"})
    monkeypatch.setattr(docstrings, "_version", lambda _: "other")
    assert before != docstrings.key({"joblib": "joblib"})
