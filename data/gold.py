"""Gold sets: what people said about words. WordSim-353 with its two halves, MEN, Rare Words, Google's analogies.

None is part of this project. Each is read from the folder `$EMBERTEXT_DATA/wordsim` where it lies there;
WordSim-353 (whole) and the analogies are also found in gensim's test data, which every installation has. So without
the folder `wordsim()` holds EN-WS-353-ALL.txt alone, and its keys say so.

Two layouts, both UTF-8 text:

    word <whitespace> word <whitespace> score       pairs; "#" opens a comment line
    : section / four words a line                   analogies: "Athens Greece Oslo Norway"

Sources: Finkelstein et al. 2002; Agirre et al. 2009 (REL, SIM); Bruni et al. 2014 (MEN); Luong et al. 2013 (Rare
Words); Mikolov et al. 2013 (analogies).
"""

import math
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, TypeAlias

from data.errors import CorpusError

ALL, REL, SIM = "EN-WS-353-ALL.txt", "EN-WS-353-REL.txt", "EN-WS-353-SIM.txt"
MEN, RARE_WORDS = "EN-MEN-TR-3k.txt", "EN-RW-STANFORD.txt"
QUESTIONS = "questions-words.txt"

IN_GENSIM = {ALL: "wordsim353.tsv", QUESTIONS: "questions-words.txt"}

Analogy: TypeAlias = tuple[str, str, str, str]


class Pair(NamedTuple):
    """Two words and the mean of what people answered when asked how alike they are (0-10 in WordSim-353)."""

    first: str
    second: str
    score: float


def wordsim() -> dict[str, list[Pair]]:
    """WordSim-353 by file name, in the order ALL, REL, SIM; a set that this machine lacks is left out."""
    return {name: pairs(name) for name in (ALL, REL, SIM) if _find(name)}


def pairs(name: str) -> list[Pair]:
    """The pairs of one set, such as `MEN`, in the file's order. CorpusError when it is absent or malformed."""
    path = _required(name)
    found = [_pair(fields, where) for where, fields in _lines(path)]
    if not found:
        raise CorpusError("no word pairs in it", where=str(path), remedy="give lines of: word, word, score")
    return found


def analogies() -> dict[str, list[Analogy]]:
    """Google's questions by section, as (a, b, c, d): a is to b as c is to d. CorpusError as above."""
    path = _required(QUESTIONS)
    sections: dict[str, list[Analogy]] = {}
    for where, fields in _lines(path):
        if fields[0] == ":":
            section = sections.setdefault(" ".join(fields[1:]), [])
        elif not sections:
            raise CorpusError("a question before the first section", where=where, remedy='open with ": name"')
        elif len(fields) != 4:
            raise CorpusError(f"{len(fields)} words, expected 4", where=where, remedy="give four words a line")
        else:
            section.append((fields[0], fields[1], fields[2], fields[3]))
    if not any(sections.values()):
        raise CorpusError("no analogies in it", where=str(path), remedy='give ": section" and four words a line')
    return sections


def _pair(fields: list[str], where: str) -> Pair:
    if len(fields) != 3:
        raise CorpusError(f"{len(fields)} columns, expected 3", where=where, remedy="give a line as: word, word, score")
    try:
        score = float(fields[2])
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise CorpusError(f"score {fields[2]!r} is not a number", where=where, remedy="correct or remove the line")
    return Pair(fields[0], fields[1], score)


def _lines(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Fields of each line that says something, with the place for an error: "file: line 3"."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CorpusError(f"byte {error.start} is not UTF-8", where=str(path), remedy="save it as UTF-8") from error
    except OSError as error:
        raise CorpusError(f"cannot be read: {error.strerror}", where=str(path), remedy="check the file") from error
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            # a section may be written ":name" or ": name"
            yield f"{path}: line {number}", line.replace(":", ": ", 1).split() if line.startswith(":") else line.split()


def _required(name: str) -> Path:
    path = _find(name)
    if path is None:
        remedy = "set EMBERTEXT_DATA to a folder that has it"
        raise CorpusError("gold set not found", where=f"wordsim/{name}", remedy=remedy)
    return path


def _find(name: str) -> Path | None:
    """The file on this machine: the data folder first, then gensim's test data."""
    folder = os.environ.get("EMBERTEXT_DATA")
    candidates = [Path(folder) / "wordsim" / name] if folder else []
    # find_spec locates the package without importing it, which would take a second
    if name in IN_GENSIM and (spec := find_spec("gensim")):
        places = spec.submodule_search_locations or []
        candidates += [Path(place) / "test" / "test_data" / IN_GENSIM[name] for place in places]
    return next((path for path in candidates if path.is_file()), None)
