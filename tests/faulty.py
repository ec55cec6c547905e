"""A tiny algorithm whose parts do what a test wants while they are trained: sleep, die, hang, raise.

What is to happen is told by files in a folder, so that it happens once, in whatever process comes first.
"""

import os
import signal
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from algorithms.protocol import Span
from algorithms.state import Partial, State

ROWS = 400  # more than enough for two kinds of arrays: large, of which rows travel, and small


class Part(NamedTuple):
    """A piece of a corpus: some numbers."""

    numbers: tuple[int, ...]

    def read(self) -> tuple[int, ...]:
        return self.numbers


class Numbers:
    """A corpus of `tokens` numbers, from 0 on."""

    def __init__(self, tokens: int = 60) -> None:
        self.tokens = tokens

    def parts(self, index: int, of: int, workers: int) -> Sequence[Sequence[Part]]:
        cuts = np.linspace(self.tokens * index // of, self.tokens * (index + 1) // of, workers + 1).astype(int)
        return [[Part(tuple(range(a, b)))] for a, b in pairwise(cuts)]


class Faulty:
    """Every number moves its row. `folder`/<what>-<number> is done when that number is trained on, and removed.

    what: kill, stop (both by signals), sleep (for good), raise; each update takes `seconds`.
    """

    pace = 1.0

    def __init__(self, folder: Path, *, epochs: int = 3, seconds: float = 0.0) -> None:
        self.folder, self.epochs, self.seconds = str(folder), epochs, seconds

    def init(self, corpus: Numbers, *, seed: int) -> State:
        rng = np.random.default_rng(seed)
        return {
            "table": rng.random((ROWS, 300), np.float32),
            "small": rng.random((ROWS, 3), np.float32),
            "whole": np.zeros(7),
            "constant": np.arange(5),
        }

    def update(
        self, state: State, batches: Sequence[Sequence[int]], *, span: Span, threads: int, seed: int, alone: bool
    ) -> Partial:
        numbers = [number for batch in batches for number in batch]
        time.sleep(self.seconds if numbers else 0)
        rng = np.random.default_rng(seed)
        out = {name: array.copy() for name, array in state.items()}
        evidence = np.zeros(ROWS)
        for number in numbers:
            self._happen(number)
            row = number % ROWS
            for name in ("table", "small"):
                out[name][row] += rng.random(out[name].shape[1], np.float32)
            evidence[row] += 1
        if numbers:
            out["whole"] = out["whole"] * 0.9 + sum(numbers)
        weight = {"table": evidence, "small": evidence, "whole": np.array([float(len(numbers))])}
        return Partial(out, weight, float(sum(numbers)), len(numbers), len(numbers))

    def learning_rate_at(self, progress: float) -> float:
        return 1 - progress

    def _happen(self, number: int) -> None:
        for wish in Path(self.folder).glob(f"[!d]*-{number}"):
            what = wish.name.partition("-")[0]
            try:
                wish.rename(wish.with_name(f"done.{wish.name}"))
            except FileNotFoundError:
                continue
            if what == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            elif what == "stop":
                os.kill(os.getpid(), signal.SIGSTOP)
            elif what == "sleep":
                time.sleep(600)
            elif what == "raise":
                raise ValueError(f"number {number} is odd")


def wish(folder: Path, what: str, number: int) -> None:
    """Have it happen when that number is trained on."""
    (folder / f"{what}-{number}").touch()


def happened(folder: Path) -> list[str]:
    return sorted(path.name.removeprefix("done.") for path in folder.glob("done.*"))


def same(one: dict[str, Any], two: dict[str, Any]) -> None:
    """Equal to float rounding, over some rounds: what workers send each other is float32."""
    assert one.keys() == two.keys()
    for name, array in one.items():
        np.testing.assert_allclose(array, two[name], rtol=2e-5, atol=1e-5, err_msg=name)
