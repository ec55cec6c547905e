import math

import pytest

from algorithms.object2vec.early_stopping import Patience


@pytest.mark.parametrize(
    ("losses", "patience", "over", "best"),
    [
        ([1.0, 0.9, 0.8], 1, None, 3),
        ([1.0, 0.995, 0.99], 1, 2, 2),
        ([1.0, 0.995, 0.99, 0.985], 3, 4, 4),  # creeping down counts, as each is compared with the lowest
        ([1.0, 1.2, 0.9, 0.95, 0.95], 2, 5, 3),
        ([1.0, 1.2, 1.1, 0.98], 2, 3, 1),
        ([math.nan, math.nan, 1.0], 2, 2, 0),
        ([math.nan, 1.0, math.inf, 0.5], 2, None, 4),
        ([0.5], 1, None, 1),
    ],
)
def test_epochs_that_do_not_improve_end_the_training(losses, patience, over, best):
    stopping, ended, kept = Patience(patience=patience, tolerance=0.01), None, 0
    for epoch, loss in enumerate(losses, start=1):
        if stopping.improved(epoch, loss):
            kept = epoch
        if stopping.over and ended is None:
            ended = epoch
        if ended:
            break
    assert ended == over
    assert kept == stopping.epoch
    assert stopping.epoch == min(best, ended or best)
