"""Early stopping of losing trials: SageMaker's median rule, on the objective after each round. Pure."""

import statistics
from collections.abc import Mapping, Sequence

from algorithms.search.objectives import Objective

Rounds = Mapping[int, float]  # the objective by round, counted from 1


LEAST = 3  # others to judge by: by two, a good one that begins slowly is stopped too often; by four, too few are


def loses(rounds: Rounds, others: Sequence[Rounds], objective: Objective) -> bool:
    """Whether a trial's last value is worse than the median of the running averages of others up to that round.

    Only others that have come so far count, and fewer than LEAST of them are no reason to stop.
    """
    if not rounds:
        return False
    last = max(rounds)
    averages = [running_average(other, last) for other in others if other and max(other) >= last]
    return len(averages) >= LEAST and objective.better(statistics.median(averages), rounds[last])


def running_average(rounds: Rounds, last: int) -> float:
    """The mean of the values up to a round."""
    return statistics.fmean(value for number, value in rounds.items() if number <= last)
