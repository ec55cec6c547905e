"""The texts that Object2Vec and its peers are judged on, as lines of tokens: the same ones for everyone.

    articles   of each Wikipedia article one sentence, drawn at random, is a query; the rest of the article is what it
               must find. HELD_OUT articles are kept from training: only their sentences are asked for. A pool larger
               than that is filled with the rests of training articles, which are in nobody's way but the truth's
    captions   Multi30k: five captions of the same picture. Training has pictures, test has others
    sts        the STS benchmark: pairs of sentences with a score of 0 to 5

Each is written once below the system's folder of temporary files, for systems that run in processes of their own.
"""

import csv
import gzip
import hashlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import orjson

from data import readers, sources
from data.pair_texts import sentences, spaced
from data.tokenizer import Name

HELD_OUT = 2000  # articles
TOKENIZER: Name = "wordpunct"
SHORTEST = 5  # tokens that a query has at least: headings are sentences to Punkt
COLUMNS = 5  # captions of a picture
SMALL = 20  # of so many articles or pictures one, for tests
SEED = 1

FILES = ("documents.jsonl", "held-out.jsonl", "train.txt", "queries.txt", "rests.txt")

Tokens = list[str]


def tokenize(text: str) -> Tokens:
    """The tokens of a text, as our own preparation has them."""
    return spaced(TOKENIZER, 0)(text).split()


class Articles(NamedTuple):
    """Files, one text a line. Line i of `rests` is what line i of `queries` was taken from; more rests follow.

    train: tokens of whole training articles; documents: the same articles as they are, JSON Lines with "text";
    held_out: those that are kept from training, likewise.
    """

    documents: Path
    held_out: Path
    train: Path
    queries: Path
    rests: Path


class Captions(NamedTuple):
    """Files, one caption a line; line i of each column describes picture i."""

    train: list[Path]
    test: list[Path]


class Scored(NamedTuple):
    """Pairs of sentences, and what people say of how near they are, 0-5."""

    first: list[Tokens]
    second: list[Tokens]
    scores: list[float]


def folder() -> Path:
    """Where the project's data lie. Raises SystemExit with the remedy where that is not said."""
    if not (found := os.environ.get("EMBERTEXT_DATA")):
        raise SystemExit("EMBERTEXT_DATA is not set; set it to the folder that has wiki/ and pairs/")
    return Path(found)


def articles(*, small: bool = False) -> Articles:
    """Wikipedia articles, split; `small`: a twentieth of them. Made once for each content and choice."""
    every, held_out = (SMALL, HELD_OUT // SMALL) if small else (1, HELD_OUT)
    source = sources.find(str(folder() / "wiki/articles.jsonl.xz"), cache=Path(tempfile.gettempdir()))
    what = f"{source.checksum} {every} {held_out} {TOKENIZER} {SHORTEST} {SEED} {FILES}"
    target = _target("articles", what)
    found = Articles(*(target / name for name in FILES))
    if target.exists():
        return found
    rng = np.random.default_rng(SEED)
    texts, queries, rests = [], [], []
    for document in [*readers.documents(source)][::every]:
        tokens = [tokenize(sentence) for sentence in sentences(document.text)]
        asked = [i for i, sentence in enumerate(tokens) if len(sentence) >= SHORTEST]
        if len(asked) < 2:  # nothing would be left to find
            continue
        taken = int(rng.choice(asked))
        texts.append(document.text)
        queries.append(tokens[taken])
        rests.append([token for i, sentence in enumerate(tokens) if i != taken for token in sentence])
    order = rng.permutation(len(texts)).tolist()
    training = sorted(order[held_out:])
    with tempfile.TemporaryDirectory(dir=target.parent) as unfinished:
        beside = Path(unfinished)
        for path, chosen in ((found.documents, training), (found.held_out, order[:held_out])):
            (beside / path.name).write_bytes(b"".join(orjson.dumps({"text": texts[i]}) + b"\n" for i in chosen))
        write_lines(beside / found.train.name, (tokenize(texts[i]) for i in training))
        write_lines(beside / found.queries.name, (queries[i] for i in order[:held_out]))
        write_lines(beside / found.rests.name, (rests[i] for i in order))
        beside.rename(target)
        beside.mkdir()  # for its end
    return found


def captions(*, small: bool = False) -> Captions:
    """Multi30k's English captions, tokenised; `small`: of a twentieth of the pictures."""
    given, every = folder() / "pairs", SMALL if small else 1
    target = _target("captions", f"{every} {TOKENIZER}")
    names = {part: [f"{part}.{column}" for column in range(1, COLUMNS + 1)] for part in ("train", "test_2016")}
    found = Captions(*([target / f"{name}.txt" for name in names[part]] for part in names))
    if target.exists():
        return found
    with tempfile.TemporaryDirectory(dir=target.parent) as unfinished:
        beside = Path(unfinished)
        for part in names:
            for name in names[part]:
                with gzip.open(given / f"multi30k.{name}.en.gz", "rt", encoding="utf-8") as file:
                    lines = [tokenize(line) for line in file]
                write_lines(beside / f"{name}.txt", lines[::every])
        beside.rename(target)
        beside.mkdir()
    return found


def sts(part: str) -> Scored:
    """The STS benchmark's `train`, `dev` or `test`, tokenised."""
    path = folder() / f"pairs/stsb-{part}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [*csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    first, second = ([tokenize(row[column]) for row in rows] for column in (5, 6))
    return Scored(first, second, [float(row[4]) for row in rows])


def read_lines(path: Path | str, most: int | None = None) -> list[Tokens]:
    """The tokens of each line of a file, of the first `most` lines."""
    with Path(path).open(encoding="utf-8", newline="\n") as file:
        return [line.split() for _, line in zip(range(most or 2**62), file, strict=False)]


def write_lines(path: Path, texts: Iterable[Sequence[str]]) -> None:
    """One text a line, tokens by single spaces."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(" ".join(text) + "\n" for text in texts)


def _target(name: str, what: str) -> Path:
    """The folder of a set that was made from `what`."""
    return Path(tempfile.gettempdir()) / f"embertext-benchmark-{name}-{hashlib.sha256(what.encode()).hexdigest()[:16]}"
