"""Who follows a training from outside: sees what each epoch came to, and may end it there.

    with watched(epoch=told, wanted=check):
        learn(...)

While one is watched its stages draw no bars: whoever watches many draws one of its own. Knows no algorithm.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

OF_ROUND = {"epoch", "round", "progress", "words", "seconds", "words_per_second", "learning_rate"}

Epoch = Callable[[int, Mapping[str, float]], None]
"""Told an epoch, counted from 1, and its metrics. Raises what ends the training."""

Wanted = Callable[[], None]
"""Called every now and then. Raises what ends the work."""


class _Watch(NamedTuple):
    epoch: Epoch
    wanted: Wanted


_watch: ContextVar[_Watch | None] = ContextVar("watch", default=None)


@contextmanager
def watched(*, epoch: Epoch, wanted: Wanted) -> Iterator[None]:
    """Follow what this thread does in the block."""
    before = _watch.set(_Watch(epoch, wanted))
    try:
        yield
    finally:
        _watch.reset(before)


def watching() -> bool:
    """Whether anybody does: what only they want to know need not be computed for nobody."""
    return _watch.get() is not None


def epoch_over(entry: Mapping[str, float | None]) -> None:
    """Tell the metrics of an entry of the history that ends an epoch, `epoch` being its number.

    How long its last round took, and how fast it was, is no metric of the training. What validation says of a metric is
    the metric: validation_total_loss is total_loss too.
    """
    if watch := _watch.get():
        metrics = {name: float(value) for name, value in entry.items() if value is not None and name not in OF_ROUND}
        judged = {name.removeprefix("validation_"): value for name, value in metrics.items() if "validation_" in name}
        watch.epoch(int(entry["epoch"] or 0), metrics | judged)


def still_wanted() -> None:
    """Raise if nobody waits for this work any more."""
    if watch := _watch.get():
        watch.wanted()
