"""A model of a round that is shared out: what its workers compute, what merging moves, and what that comes to.

    round    =  (start + words / workers / speed) x (the slowest part over the mean)  +  merging  +  scheduling
    merging  =  for each array that travels: 2 (n - 1) steps of latency, and 2 (n - 1) / n of its bytes over the slower
                of the link and of whoever handles them; then arithmetic on all bytes

which is a ring, as gloo's all-reduce is: every worker sends to the next one only, all at once. Its figures are measured
(`benchmarks.round_costs`); bandwidth and latency are what one asks about. Pure: it runs nothing.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# of what a link carries; the rest are the headers of Ethernet, IP and TCP around each 1,448 bytes
PAYLOAD = 1448 / 1538
MOST = 0.1  # share of the time that merging may take


class Link(NamedTuple):
    """bits: a second, each way, of each machine; infinite within one. latency: seconds from one machine to the next."""

    bits: float
    latency: float

    @property
    def seconds_a_byte(self) -> float:
        """Of what travels, headers included."""
        return 8 / (self.bits * PAYLOAD)


class Costs(NamedTuple):
    """What a worker of one thread was measured to take.

    start: seconds of a part without words, for which the state is copied; speed: words a second of training, while
    nobody else uses its core; spread: times of equal parts over their mean;
    arithmetic: seconds a byte of the arrays that are merged, sums aside; handling: seconds a byte that is sent,
    received and added up, where the link is no limit; step: seconds of one step of a journey there; wave, task: to give
    all workers a task each and hear from all, for any number of them, and more for each.
    """

    start: float
    speed: float
    spread: tuple[float, ...]
    arithmetic: float
    handling: float
    step: float
    wave: float
    task: float


class Burden(NamedTuple):
    """A round. words: of all workers; journeys: arrays that travel one after the other; size: bytes of all of these.

    Both are the same for any number of workers. waves: of tasks.
    """

    words: float
    journeys: float
    size: float
    waves: int = 2  # to train, to merge


class Forecast(NamedTuple):
    """Seconds of a round, and of what it is made of. computing: of the mean part; waiting: for the slowest one."""

    computing: float
    waiting: float
    merging: float
    scheduling: float

    @property
    def seconds(self) -> float:
        """Of the round."""
        return sum(self)

    @property
    def merging_share(self) -> float:
        """Of the round's time."""
        return self.merging / self.seconds


def between(words: float, known: Sequence[Burden]) -> Burden:
    """The round of so many words, by a line between those that are known; beyond them no more and no fewer rows."""
    ordered = sorted(known, key=lambda burden: burden.words)
    at = [burden.words for burden in ordered]
    journeys, size = (
        float(np.interp(words, at, [getattr(burden, figure) for burden in ordered])) for figure in ("journeys", "size")
    )
    return Burden(words, journeys, size)


def forecast(burden: Burden, workers: int, link: Link, costs: Costs, *, cores: int = 0) -> Forecast:
    """What a round takes. cores: that all workers share, on one machine; 0: each has its own."""
    crowd = max(1.0, workers / cores) if cores else 1.0
    computing = (costs.start + burden.words / workers / costs.speed) * crowd
    waiting = computing * (slowest(costs.spread, workers) - 1)
    a_wave = costs.wave + costs.task * workers + 2 * link.latency
    merged = merging(burden, workers, link, costs, crowd=crowd)
    # the wave that merges is waited for, even by one: so its time counts as merging, as it does where it is measured
    return Forecast(computing, waiting, merged + a_wave, a_wave * (burden.waves - 1))


def merging(burden: Burden, workers: int, link: Link, costs: Costs, *, crowd: float = 1.0) -> float:
    """Seconds. crowd: how many workers share a core."""
    if workers == 1:
        return 0.0
    steps = 2 * (workers - 1)
    travelling = steps / workers * burden.size * max(link.seconds_a_byte, costs.handling * crowd)
    answering = steps * burden.journeys * (link.latency + costs.step * crowd)
    return answering + travelling + costs.arithmetic * burden.size * crowd


def slowest(spread: Sequence[float], workers: int) -> float:
    """The expected largest of so many draws from a sample, over the sample's mean."""
    ordered: NDArray[np.float64] = np.sort(np.asarray(spread, np.float64))
    chances = np.diff((np.arange(len(ordered) + 1) / len(ordered)) ** workers)
    return float(ordered @ chances / ordered.mean())


def interval(
    burden_of: Callable[[float], Burden], workers: int, link: Link, costs: Costs, *, most: float = MOST
) -> float:
    """The fewest words of a round for which merging takes no more than a share of the time.

    burden_of: the round of so many words.
    """
    low, high = 1e3, 1e14
    while high / low > 1.001:
        words = float(np.sqrt(low * high))
        if forecast(burden_of(words), workers, link, costs).merging_share > most:
            low = words
        else:
            high = words
    return high
