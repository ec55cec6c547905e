import os
import sys
from pathlib import Path

import pytest

from data import gold
from data.errors import CorpusError
from data.gold import Pair

DATA = os.environ.get("EMBERTEXT_DATA", "")
needs_data = pytest.mark.skipif(
    not (Path(DATA) / "wordsim").is_dir() or not DATA, reason="EMBERTEXT_DATA has no folder wordsim"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty gold folder that EMBERTEXT_DATA points to."""
    monkeypatch.setenv("EMBERTEXT_DATA", str(tmp_path))
    (tmp_path / "wordsim").mkdir()
    return tmp_path / "wordsim"


@needs_data
def test_the_data_folder_has_all_three_sets_in_order():
    sets = gold.wordsim()
    assert list(sets) == ["EN-WS-353-ALL.txt", "EN-WS-353-REL.txt", "EN-WS-353-SIM.txt"]
    assert [len(pairs) for pairs in sets.values()] == [353, 252, 203]
    assert sets[gold.REL][1] == Pair("Jerusalem", "Israel", 8.46)
    assert [len(gold.pairs(name)) for name in (gold.MEN, gold.RARE_WORDS)] == [3000, 2034]


def test_gensim_carries_wordsim_all_and_the_analogies(monkeypatch):
    monkeypatch.delenv("EMBERTEXT_DATA", raising=False)
    sets = gold.wordsim()
    assert {name: len(pairs) for name, pairs in sets.items()} == {gold.ALL: 353}
    assert sets[gold.ALL][:2] == [Pair("love", "sex", 6.77), Pair("tiger", "cat", 7.35)]
    sections = gold.analogies()
    assert (len(sections), sum(map(len, sections.values()))) == (14, 19_544)
    assert sections["capital-common-countries"][0] == ("Athens", "Greece", "Baghdad", "Iraq")


@needs_data
def test_both_sources_say_the_same(monkeypatch):
    here = gold.wordsim()[gold.ALL], gold.analogies()
    monkeypatch.delenv("EMBERTEXT_DATA")
    assert (gold.wordsim()[gold.ALL], gold.analogies()) == here


def test_a_folder_without_the_sets_falls_back(folder):
    (folder / gold.SIM).write_text("plane car 5.77\n")
    sets = gold.wordsim()
    assert list(sets) == [gold.ALL, gold.SIM]
    assert sets[gold.SIM] == [Pair("plane", "car", 5.77)]


def test_gensim_is_not_imported_to_find_its_files(monkeypatch):
    monkeypatch.delenv("EMBERTEXT_DATA", raising=False)
    monkeypatch.setitem(sys.modules, "gensim.models", None)
    monkeypatch.delitem(sys.modules, "gensim", raising=False)
    assert len(gold.wordsim()[gold.ALL]) == 353
    assert "gensim" not in sys.modules


def test_nothing_at_hand(monkeypatch):
    monkeypatch.delenv("EMBERTEXT_DATA", raising=False)
    monkeypatch.setattr("data.gold.find_spec", lambda name: None)
    assert gold.wordsim() == {}
    with pytest.raises(CorpusError, match=r"questions-words.txt: gold set not found; set EMBERTEXT_DATA"):
        gold.analogies()
    with pytest.raises(CorpusError, match=r"EN-MEN-TR-3k.txt: gold set not found"):
        gold.pairs(gold.MEN)


def test_comments_blank_lines_and_windows_line_ends(folder):
    (folder / gold.ALL).write_bytes("# Word 1\tWord 2\tHuman (mean)\r\n\r\nTokyo\tKyōto\t8.00\r\n".encode())
    assert gold.wordsim()[gold.ALL] == [Pair("Tokyo", "Kyōto", 8.0)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"tiger cat\n", "line 1: 2 columns, expected 3; give a line as: word, word, score"),
        (b"a b 1\nbig tiger cat 7\n", "line 2: 4 columns, expected 3"),
        (b"tiger cat much\n", "line 1: score 'much' is not a number; correct or remove the line"),
        (b"tiger cat nan\n", "line 1: score 'nan' is not a number"),
        (b"# only a comment\n", "no word pairs in it"),
        (b"a b 1\n\xff\xfe b 2\n", "byte 6 is not UTF-8; save it as UTF-8"),
    ],
)
def test_malformed_pairs(folder, content, message):
    (folder / gold.ALL).write_bytes(content)
    with pytest.raises(CorpusError) as caught:
        gold.wordsim()
    assert message in str(caught.value)
    assert str(folder / gold.ALL) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a b c d\n", "line 1: a question before the first section"),
        (": one\na b c\n", "line 2: 3 words, expected 4; give four words a line"),
        (": one\n: two\n", "no analogies in it"),
    ],
)
def test_malformed_analogies(folder, content, message):
    (folder / gold.QUESTIONS).write_text(content)
    with pytest.raises(CorpusError) as caught:
        gold.analogies()
    assert message in str(caught.value)


def test_section_names_may_touch_the_colon(folder):
    (folder / gold.QUESTIONS).write_text(":family\nboy girl son daughter\n: gram 1\na b c d\n")
    assert gold.analogies() == {"family": [("boy", "girl", "son", "daughter")], "gram 1": [("a", "b", "c", "d")]}
