"""Pairs with a known structure: documents that are about one of many subjects, and records of ids."""

import json
import random
from pathlib import Path

SUBJECTS = 40


def documents(*, count: int = 400, seed: int = 7) -> str:
    """JSON Lines. All sentences of a document have the words of its subject, and some that say nothing."""
    draw = random.Random(seed)
    lines = []
    for number in range(count):
        subject = number % SUBJECTS
        said = [f"word{subject}{letter}" for letter in "abcd"]
        sentences = [" ".join(draw.sample(said, 3) + draw.choices(["the", "of", "and"], k=2)) for _ in range(4)]
        lines.append(
            json.dumps({"text": " . ".join(f"{each}" for each in sentences).replace(" . ", ". ") + "."}) + "\n"
        )
    draw.shuffle(lines)
    return "".join(lines)


def records(*, count: int = 600, graded: bool = False, seed: int = 7) -> str:
    """SageMaker's JSON Lines: two ids of 20 on either side; the label is whether both sides are of one kind of ids.

    graded: it is a score instead, from 4 on where they are, and up to 1 where not.
    """
    draw = random.Random(seed)
    lines = []
    for _ in range(count):
        kinds = [draw.randrange(2) for _ in range(2)]
        in0, in1 = ([draw.randrange(10) + 10 * kind for _ in range(2)] for kind in kinds)
        same = kinds[0] == kinds[1]
        label = round(4.0 * same + draw.random(), 3) if graded else int(same)
        lines.append(json.dumps({"in0": in0, "in1": in1, "label": label}) + "\n")
    return "".join(lines)


def write(path: Path, text: str) -> Path:
    """A file with that content."""
    path.write_text(text, encoding="utf-8")
    return path
