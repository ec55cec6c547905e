"""The random numbers and draws of the kernels in plain Python, for tests that replay a kernel."""

import numpy as np

WRAP = 2**64


class Generator:
    """The linear congruential generator; `state` is the kernel's rng[0]."""

    def __init__(self, state: int) -> None:
        self.state = int(state)

    def step(self) -> int:
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % WRAP
        return self.state

    def below(self, bound: int) -> int:
        return (self.step() >> 32) * bound >> 32

    def draw(self, alias: np.ndarray) -> int:
        product = (self.step() >> 28) * len(alias)
        slot, fraction = product >> 36, (product >> 4) % 2**32
        return slot if fraction < alias[slot, 0] else int(alias[slot, 1])

    def negatives(self, alias: np.ndarray, target: int, wanted: int, *, nobody: int) -> list[int]:
        """`wanted` words other than the target and each other; from where eight draws find none, `nobody`."""
        found = [target]
        while len(found) <= wanted:
            new = next((word for word in (self.draw(alias) for _ in range(8)) if word not in found), None)
            if new is None:
                break
            found.append(new)
        return found[1:] + [nobody] * (wanted + 1 - len(found))

    def thin(self, ids: list[int], keep: np.ndarray, *, longest: int) -> list[int]:
        """One call's worth of kept words; removes what it read from the front of `ids`."""
        sentence: list[int] = []
        while ids and len(sentence) < longest:
            word = ids.pop(0)
            if word == -1:
                break
            if self.step() >> 32 < keep[word]:
                sentence.append(word)
        return sentence
