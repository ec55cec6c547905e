"""Where to look next: one point, from what is known. Optuna's Gaussian process underneath. Pure: no storage, no clock.

What is known is laid out anew for each question: so that trials of other sweeps can be among it, failures count as bad
places, parameters that do not count have always the same value, and the same history gives the same answer.
"""

import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.samplers import GPSampler
from optuna.trial import TrialState, create_trial
from scipy.stats import qmc

from algorithms.search.axes import distribution, inner, outer, point_at
from algorithms.search.space import Parameters, Space

FEW = 1000  # points of a space that are told apart one by one
STARTS = 6  # points before there is enough to learn from
TRIES = 100  # points drawn before one is trained twice
LEAST_TO_EXPLAIN = 4  # trials, for importances

optuna.logging.set_verbosity(optuna.logging.WARNING)


class Known(NamedTuple):
    """A point and what it came to: a value for each objective, more being better; None of one that failed."""

    parameters: Parameters
    values: tuple[float, ...] | None


def at_random(space: Space, *, seed: int, number: int) -> Parameters:
    """A point drawn evenly on each parameter's scale."""
    return point_at(space, np.random.default_rng((seed, number)).random(len(space.ranges)))


def spread_out(space: Space, *, seed: int, number: int) -> Parameters:
    """One of a sequence of points that fill the space evenly (Sobol's, scrambled)."""
    sequence = qmc.Sobol(len(space.ranges), rng=np.random.default_rng(seed))
    return point_at(space, sequence.fast_forward(number).random(1)[0] if number else sequence.random(1)[0])


def bayesian(
    space: Space,
    known: Sequence[Known],
    running: Sequence[Parameters],
    *,
    first: Sequence[Parameters] = (),
    seed: int,
    number: int,
) -> Parameters:
    """A few points to start from, then what a Gaussian process of those known expects most of (expected improvement).

    The first is that of no sweep at all, or `first` where given; the others fill the space evenly. Those that run count
    as if they had come to the mean (a constant liar), so that points asked for meanwhile lie elsewhere.
    """
    tried = [each.parameters for each in known] + list(running)
    starts = list(first) or ([space.start] if space.start else [])
    if untried := [point for point in starts if point not in tried]:
        return untried[0]
    if len(tried) < STARTS or all(each.values is None for each in known):
        return spread_out(space, seed=seed, number=number)
    sampler = GPSampler(seed=(seed * 1_000_003 + number) % 2**32, n_startup_trials=1)
    study = _study(space, _filled(known, running), sampler=sampler)
    found = study.ask({name: distribution(given) for name, given in space.ranges.items()}).params
    return space.active({name: outer(given, found[name]) for name, given in space.ranges.items()})


def new(
    space: Space,
    proposed: Parameters,
    tried: Sequence[Parameters],
    *,
    left: Sequence[Parameters],
    seed: int,
    number: int,
) -> Parameters:
    """The point proposed, or where it has been tried one that has not. left: those that have not, of a small space."""
    if proposed not in tried:
        return proposed
    rng = np.random.default_rng((seed, number, 1))
    if left:
        return left[int(rng.integers(len(left)))]
    drawn = (point_at(space, rng.random(len(space.ranges))) for _ in range(TRIES))
    return next((point for point in drawn if point not in tried), proposed)


def importances(space: Space, known: Sequence[Known], *, seed: int) -> dict[str, float]:
    """The share of the first value's variance that each parameter explains (functional ANOVA, Hutter et al. 2014).

    Adds up to 1; empty where there are too few trials, or all came to the same.
    """
    judged = [Known(each.parameters, each.values[:1]) for each in known if each.values is not None]
    if len(judged) < LEAST_TO_EXPLAIN or len({each.values for each in judged}) == 1:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=seed)
    found = optuna.importance.get_param_importances(_study(space, judged), evaluator=evaluator)
    return {name: float(value) for name, value in found.items()}


def _study(space: Space, known: Iterable[Known], *, sampler: optuna.samplers.BaseSampler | None = None) -> optuna.Study:
    """Points as finished trials of a study in memory."""
    known = list(known)
    assert known[0].values is not None
    study = optuna.create_study(directions=["maximize"] * len(known[0].values), sampler=sampler)
    distributions = {name: distribution(given) for name, given in space.ranges.items()}
    for each in known:
        point = space.canonical(each.parameters)
        params = {name: inner(given, point[name]) for name, given in space.ranges.items()}
        study.add_trial(
            create_trial(state=TrialState.COMPLETE, params=params, distributions=distributions, values=each.values)
        )
    return study


def _filled(known: Sequence[Known], running: Sequence[Parameters]) -> list[Known]:
    """A value for each: failures are as bad as the worst, those that run as good as the mean."""
    judged = [each.values for each in known if each.values is not None]
    columns = [softened(np.array(column)) for column in zip(*judged, strict=True)]
    rows = [tuple(map(float, row)) for row in zip(*columns, strict=True)]
    worst = tuple(float(column.min()) for column in columns)
    mean = tuple(statistics.fmean(column.tolist()) for column in columns)
    values = iter(rows)
    told = [Known(each.parameters, worst if each.values is None else next(values)) for each in known]
    return told + [Known(each, mean) for each in running]


def softened(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values with those below the median drawn towards it, by the logarithm of how far they are.

    Among trials that have learnt something there are often some that have learnt nothing. To a process that takes the
    whole scale alike they would be all there is to see.
    """
    middle = np.median(values)
    scale = max(float(values.max() - middle), 1e-12)
    below = np.maximum(middle - values, 0)
    return np.where(values < middle, middle - scale * np.log1p(below / scale), values)
