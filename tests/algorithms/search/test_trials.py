from algorithms.search.objectives import objectives
from algorithms.search.trials import Trial, best, front, ranked

BY = objectives(["accuracy", "seconds"])


def trial(number, status="completed", *values):
    return Trial(number, {}, status, values)


def test_ranked_and_best():
    given = [
        trial(0, "completed", 0.8, 3), trial(1, "stopped", 0.9, 1), trial(2, "failed"), trial(3, "completed", 0.85, 9),
        trial(4, "completed", 0.8, 1), trial(5, "running"),
    ]  # fmt: skip
    assert [each.number for each in ranked(given, BY)] == [3, 0, 4, 1]
    assert best(given, BY).number == 3
    assert best([given[1]], BY) is None


def test_less_is_better_where_it_is():
    given = [trial(0, "completed", 3.0), trial(1, "completed", 2.0)]
    assert best(given, objectives("total_loss")).number == 1


def test_the_front():
    points = [(0.9, 9), (0.8, 2), (0.8, 3), (0.7, 2), (0.6, 1), (0.9, 9)]
    given = [trial(number, "completed", *values) for number, values in enumerate(points)]
    assert [each.number for each in front([*given, trial(6, "stopped", 1.0, 0)], BY)] == [0, 1, 4]
