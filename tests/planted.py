"""A corpus with a known structure: words of one kind share sentences, words of two kinds never do."""

import random
from pathlib import Path

FRUIT = ["apple", "pear", "plum", "grape", "mango", "melon", "lemon", "cherry"]
TOOLS = ["hammer", "saw", "drill", "pliers", "wrench", "chisel", "ruler", "clamp"]


def text(*, sentences: int = 4000, seed: int = 7) -> str:
    """One sentence a line, twelve words each."""
    draw = random.Random(seed)
    return "".join(" ".join(draw.choices(draw.choice((FRUIT, TOOLS)), k=12)) + "\n" for _ in range(sentences))


def write(path: Path, **options: int) -> Path:
    """The corpus as a file."""
    path.write_text(text(**options), encoding="utf-8")
    return path
