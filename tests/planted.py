"""Corpora with a known structure: words of one kind share sentences, words of two kinds never do; or seldom."""

import random
from pathlib import Path

FRUIT = ["apple", "pear", "plum", "grape", "mango", "melon", "lemon", "cherry"]
TOOLS = ["hammer", "saw", "drill", "pliers", "wrench", "chisel", "ruler", "clamp"]

# those that people have said something about: WordSim-353 has pairs of each kind
ANIMALS = ["tiger", "cat", "jaguar", "animal", "fauna", "zoo", "mammal", "feline", "carnivore", "organism"]
MONEY = ["money", "cash", "currency", "bank", "dollar", "stock", "market", "profit", "wealth", "property", "deposit"]


def text(*, sentences: int = 4000, seed: int = 7, kinds: tuple[list[str], list[str]] = (FRUIT, TOOLS)) -> str:
    """One sentence a line, twelve words each."""
    draw = random.Random(seed)
    return "".join(" ".join(draw.choices(draw.choice(kinds), k=12)) + "\n" for _ in range(sentences))


def write(path: Path, **options: int) -> Path:
    """The corpus as a file."""
    path.write_text(text(**options), encoding="utf-8")
    return path


def labelled(*, lines: int = 1000, strays: float = 0.0, seed: int = 7) -> str:
    """One line of six words each, in fastText's form; `strays` of its words (0..1) are of the other class."""
    draw = random.Random(seed)
    kinds = {"fruit": (FRUIT, TOOLS), "tool": (TOOLS, FRUIT)}
    text = ""
    for _ in range(lines):
        name = draw.choice(list(kinds))
        words = [draw.choice(kinds[name][draw.random() < strays]) for _ in range(6)]
        text += f"__label__{name} {' '.join(words)}\n"
    return text
