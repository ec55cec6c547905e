import math

import pytest

from algorithms.search.objectives import Objective, dominates, found, objective, objectives
from data.errors import HyperparameterError


@pytest.mark.parametrize(
    ("given", "metric", "direction"),
    [
        ("mean_rho", "mean_rho", "maximize"),
        ("train:mean_rho", "mean_rho", "maximize"),
        ("validation:accuracy", "validation_accuracy", "maximize"),
        ("validation_accuracy", "validation_accuracy", "maximize"),
        ("total_loss", "total_loss", "minimize"),
        ("validation:cross_entropy", "validation_cross_entropy", "minimize"),
        ("mean_squared_error", "mean_squared_error", "minimize"),
        ("npmi", "npmi", "maximize"),
        ("hits@10", "hits@10", "maximize"),
        ("mean_rank", "mean_rank", "minimize"),
        ("seconds", "seconds", "minimize"),
        ("words_per_second", "words_per_second", "maximize"),
        ("bytes", "bytes", "minimize"),
        ("minimize wonder", "wonder", "minimize"),
        ("maximize total_loss", "total_loss", "maximize"),
    ],
)
def test_the_name_tells_the_direction(given, metric, direction):
    assert objective(given) == Objective(metric, direction)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["wonder"], "objective='wonder': whether less or more of it is better is not known; write 'minimize wonder'"),
        (
            ["acuracy"],
            "objective='acuracy': whether less or more of it is better is not known; did you mean accuracy?;",
        ),
        (["npmi", "npmi"], "objective='npmi, npmi': the same objective twice; "),
        ([], "objective='': no objective; "),
    ],
)
def test_what_is_no_objective(given, said):
    with pytest.raises(HyperparameterError) as refused:
        objectives(given)
    assert str(refused.value).startswith(said)


def test_dominates():
    by = objectives(["accuracy", "seconds"])
    assert dominates((0.9, 5), (0.9, 6), by=by)
    assert not dominates((0.9, 5), (0.9, 5), by=by)
    assert not dominates((0.9, 5), (0.8, 4), by=by)


def test_found():
    by = objectives(["accuracy", "seconds"])
    assert found({"accuracy": 1, "seconds": 2, "x": 3}, by) == (1, 2)
    assert found({"accuracy": 1}, by) is None
    assert found({"accuracy": math.nan, "seconds": 2}, by) is None
