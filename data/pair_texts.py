"""Pairs out of plain texts: a sentence of a document and the rest of it, or two lines that belong together.

As SageMaker's notebook of document embeddings makes them. It knows sentences and tokens; not files
(`data/pair_sources.py`).
"""

import hashlib
import random
import re
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import regex

from data import messages, utf8
from data.errors import CorpusError
from data.messages import Part
from data.pair_records import NO_DOCUMENTS, NO_IDS, Read, Rules, read_ids, read_texts
from data.pair_sources import Block, Stretch
from data.punkt import Punkt
from data.tokenizer import LABEL, Name, tokenize

Draw = Literal["first", "random"]

_WORDPUNCT = regex.compile(r"\w+|[^\w\s\0\x1c-\x1f]+")  # the last are white space to Python alone
_PARAGRAPH = re.compile(r"\n[ \t\r]*\n\s*")
_PLAIN = re.compile(r"[a-zA-Z]{2,}\.\s")


class Making(NamedTuple):
    """How pairs are made. max_words: of a sequence, 0 for all; sentences: drawn of each document, and how.

    strip: parts of messages that are taken off.
    """

    rules: Rules
    tokenizer: Name
    max_words: int = 0
    sentences: int = 1
    draw: Draw = "random"
    strip: tuple[Part, ...] = ()
    seed: int = 0


def read(block: Block, making: Making) -> Read:
    """The pairs of a block. Raises CorpusError with the channel, file, line and field of what cannot be used."""
    if block.lines is None:
        return _documents(block, making)
    if block.other:
        return _aligned(block.lines, block.other, making)
    if making.rules.found.kind == "ids":
        return read_ids(block.lines, making.rules)
    return read_texts(block.lines, making.rules, spaced(making.tokenizer, making.max_words))


def spaced(tokenizer: Name, max_words: int) -> Callable[[str], str]:
    """What gives the tokens of a text, at most so many, with single spaces between them.

    `wordpunct` by its expression alone: the same tokens as nltk's and seven times as fast.
    """

    def split(text: str) -> list[str]:
        if tokenizer == "wordpunct" and LABEL not in text:
            found: list[str] = _WORDPUNCT.findall(text.lower())
            return found
        return tokenize(text, tokenizer)

    if max_words:
        return lambda text: " ".join(split(text)[:max_words])
    return lambda text: " ".join(split(text))


class _Untrained(Punkt):
    """Punkt that has learned nothing: a full stop behind a plain word ends a sentence, and few others need a look."""

    def ends(self, context: str) -> bool:
        return bool(_PLAIN.match(context)) or super().ends(context)


_PUNKT = _Untrained()


def sentences(text: str) -> list[str]:
    """The sentences of a text. A blank line ends one, a full stop by the rules of nltk's Punkt without training."""
    return [sentence for paragraph in _PARAGRAPH.split(text) for sentence in _PUNKT.sentences(paragraph)]


def _documents(block: Block, making: Making) -> Read:
    """Pairs of a sentence and the others. Of fewer than two sentences with words nothing can be made."""
    drawn = random.Random(f"{making.seed} {making.rules.channel} {block.number}")
    tokens, most = spaced(making.tokenizer, 0), making.max_words
    lines: list[str] = []
    documents: list[int] = []
    skipped = 0
    for text in block.texts:
        stripped = messages.strip(text, making.strip) if making.strip else text
        found = [line for line in map(tokens, sentences(stripped)) if line]
        if len(found) < 2:
            skipped += 1
            continue
        identity = int.from_bytes(hashlib.blake2b("\n".join(found).encode(errors="replace"), digest_size=7).digest())
        wanted = range(min(making.sentences, len(found)))
        for chosen in wanted if making.draw == "first" else drawn.sample(range(len(found)), len(wanted)):
            rest = " ".join(found[:chosen] + found[chosen + 1 :])
            lines += [_cut(found[chosen], most), _cut(rest, most)]
            documents.append(identity)
    return _positives(lines, documents, skipped)


def _aligned(first: Stretch, second: Stretch, making: Making) -> Read:
    """Pairs of lines. Where both are blank there is none."""
    tokens = spaced(making.tokenizer, making.max_words)
    texts = [_decoded(side, making.rules.channel) for side in (first, second)]
    lines: list[str] = []
    skipped = 0
    for number, pair in enumerate(zip(*texts, strict=True)):
        found = [tokens(text) for text in pair]
        if all(found):
            lines += found
        elif any(found):
            side = second if found[0] else first
            where = f"channel {making.rules.channel}: {side.name}: line {side.line + number}"
            remedy = "leave the line out of both files"
            raise CorpusError("no words, and the line of the other file has some", where=where, remedy=remedy)
        else:
            skipped += 1
    return _positives(lines, [], skipped)


def _decoded(side: Stretch, channel: str) -> list[str]:
    text = utf8.decode(side.data, f"channel {channel}: {side.name}", offset=side.offset, line=side.line)
    return text.removesuffix("\n").split("\n")


def _positives(lines: list[str], documents: list[int], skipped: int) -> Read:
    text = "\n".join([*lines, ""]).encode(errors="replace") if lines else b""
    labels = np.ones(len(lines) // 2, np.float32)
    return Read(text, NO_IDS, labels, np.array(documents, np.int64) if documents else NO_DOCUMENTS, skipped)


def _cut(line: str, most: int) -> str:
    return " ".join(line.split(" ", most)[:most]) if most else line
