"""Hyperband (Li et al. 2018, arXiv 1603.06560), as Optuna has it: trials stop unless among the best third at a rung."""

import optuna
from optuna.pruners import HyperbandPruner

from data.errors import HyperparameterError

REDUCTION = 3


def rule(rounds: int) -> HyperbandPruner:
    """rounds: those of a trial that is not stopped."""
    return HyperbandPruner(min_resource=1, max_resource=rounds, reduction_factor=REDUCTION)


def check(rounds: int) -> None:
    """Refuse fewer rounds than there are rungs for. Raises HyperparameterError."""
    if rounds < REDUCTION:
        raise HyperparameterError(
            f"Hyperband compares trials after 1, {REDUCTION}, {REDUCTION**2}, ... rounds, and each has too few",
            field="epochs",
            value=rounds,
            remedy="choose more epochs, or another strategy",
        )


def loses(pruner: HyperbandPruner, study: optuna.Study, number: int) -> bool:
    """Whether the running trial is to be stopped after what it reported last."""
    return pruner.prune(study, study.get_trials(deepcopy=False)[number])
