"""When to stop: NTM's rule replayed over the log of a real job, BlazingText's on its documented behaviour."""

import ast
import lzma
import math
import os
import re
from pathlib import Path

import pytest

from algorithms.early_stopping import EarlyStopping, WindowStopping

LOG = Path(os.environ.get("EMBERTEXT_DATA", ""), "sagemaker/ntm_20newsgroups_training.log.xz")

# validation losses of that job's host algo-1 in epochs 50-73, and its "Bad count" after each: five of patience
LOSSES = [
    6.69485, 6.690476, 6.711029, 6.687007, 6.685593, 6.690626, 6.722342, 6.675263, 6.681616, 6.6806, 6.677128,
    6.677891, 6.670565, 6.674215, 6.663431, 6.66657, 6.662404, 6.656591, 6.658584, 6.664823, 6.661276, 6.67055,
    6.661266, 6.669912,
]  # fmt: skip
BAD = [0, 0, 0, 0, 0, 1, 2, 0, 1, 2, 3, 4, 0, 1, 0, 1, 0, 0, 1, 2, 3, 4, 5, 6]


def replayed(losses, *, patience=5, tolerance=0.001):
    """The rule after all epochs, and what it said after each: bad epochs in a row, whether it is over."""
    stopping, said = WindowStopping(num_patience_epochs=patience, tolerance=tolerance), []
    for epoch, loss in enumerate(losses, start=1):
        best = stopping.improved(epoch, loss)
        assert best == (stopping.epoch == epoch)
        said.append((stopping.bad, stopping.over))
    return stopping, said


def test_an_excerpt_of_the_real_job():
    stopping, said = replayed(LOSSES)
    assert [bad for bad, _ in said] == BAD
    assert [over for _, over in said] == [False] * 23 + [True]
    assert (stopping.epoch, stopping.best) == (18, 6.656591)  # epoch 67 of the job


@pytest.mark.skipif(not LOG.is_file(), reason="EMBERTEXT_DATA with SageMaker's log is not set")
def test_the_real_job_epoch_by_epoch():
    """Two hosts write into one log: their processes' numbers tell them apart."""
    log = lzma.decompress(LOG.read_bytes()).decode()
    hosts = list(dict.fromkeys(re.findall(r"INFO (\d+)\] #validation_score", log)))
    told = [
        (
            host,
            re.findall(rf"INFO {host}\] (#validation_score|patience losses|Bad epoch|Best model)(.*)", log),
        )
        for host in hosts
    ]
    ends = []
    for _, lines in told:
        stopping = WindowStopping(num_patience_epochs=5, tolerance=0.001)
        epoch, logged = 0, 0
        for kind, text in lines:
            if kind == "#validation_score":
                assert stopping.bad == logged
                assert not stopping.over
                epoch, loss, logged = epoch + 1, float(text.split()[-1]), 0
                assert text.startswith(f" ({epoch})")
                window = list(stopping.window)
                stopping.improved(epoch, loss)
            elif kind == "patience losses":
                assert ast.literal_eval(re.findall(r"\[.*\]", text)[0]) == window
            elif text.startswith("s exceeded"):
                assert stopping.over
            elif kind == "Bad epoch":
                logged = int(text.rsplit(":", 1)[1])
            else:
                best, least = re.findall(r"epoch (\d+)\. Best loss: (\S+)", text)[0]
                assert (stopping.epoch, stopping.best) == (int(best), float(least))
        assert stopping.bad == logged == 6
        assert stopping.over
        ends.append((epoch, stopping.epoch))
    assert ends == [(73, 67), (77, 71)]


@pytest.mark.parametrize(
    ("losses", "bad"),
    [
        ([5, 6, 7, 8], [0, 0, 0, 1]),  # nothing is judged before the window is full
        ([5, 5, 5, 4.9995, 4.9985], [0, 0, 0, 1, 0]),  # the tolerance counts from the window's best
        ([9, 8, 7, 7, 7, 7, 7], [0, 0, 0, 1, 2, 3, 4]),
        ([1, 8, 8, 7, 7, 6], [0, 0, 0, 1, 2, 0]),  # once out of the window a low loss is forgotten
        ([3, 3, 3, math.nan, math.nan, math.nan, math.nan, 2], [0, 0, 0, 1, 2, 3, 4, 0]),
        ([math.nan] * 5, [0, 0, 0, 1, 2]),
    ],
)
def test_bad_epochs(losses, bad):
    stopping, said = replayed(losses, patience=3)
    assert [count for count, _ in said] == bad
    assert [over for _, over in said] == [count > 3 for count in bad]
    finite = [loss for loss in losses if not math.isnan(loss)]
    assert stopping.epoch == (1 + losses.index(min(finite)) if finite else 0)


def test_a_difference_of_the_tolerance_is_not_enough():
    """Also where the relative difference would be: at a loss of 0.5 a thousandth is two."""
    assert [bad for bad, _ in replayed([0.5, 0.5 - 2**-10], patience=1, tolerance=2**-10)[1]] == [0, 1]
    assert [bad for bad, _ in replayed([0.5, 0.5 - 2**-9], patience=1, tolerance=2**-10)[1]] == [0, 0]


def test_more_patience_than_epochs_never_stops():
    assert not any(over for _, over in replayed([1.0] * 50, patience=51)[1])


# min_epochs, patience, the score of each epoch; the best epoch, the one after which it is over (0: none)
BLAZINGTEXT = {
    "always better": (1, 1, [1, 2, 3, 4], 4, 0),
    "never better": (1, 2, [3, 2, 1], 1, 3),
    "equal is no better": (1, 2, [3, 3, 3], 1, 3),
    "a rise in time": (1, 2, [3, 1, 4, 1, 1], 3, 5),
    "not one after the other": (1, 2, [3, 1, 4, 1, 5, 1], 5, 0),
    "early epochs are not judged": (3, 1, [9, 8, 1, 2, 3], 5, 0),
    "nor waited for": (3, 1, [9, 8, 7, 6], 3, 4),
    "patience of one": (1, 1, [2, 1], 1, 2),
    "accuracy zero": (1, 2, [0, 0, 0], 1, 3),
    "too short to judge": (5, 1, [1, 2], 0, 0),
    "no numbers": (2, 2, [0.5, math.nan, math.nan], 0, 3),
    # judged from the fifth epoch on, the ninth published, though a tenth was trained; only some scores are that job's
    "as in a job on DBPedia": (5, 4, [0, 0, 0, 0, 0.969529, 0.970, 0.971, 0.9715, 0.9721, 0.9720], 9, 0),
}


@pytest.mark.parametrize(("min_epochs", "patience", "scores", "best", "over"), BLAZINGTEXT.values(), ids=BLAZINGTEXT)
def test_blazingtexts_rule(min_epochs, patience, scores, best, over):
    stopping, ended = EarlyStopping(min_epochs=min_epochs, patience=patience), 0
    for epoch, score in enumerate(scores, start=1):
        assert stopping.improved(epoch, score) == (stopping.epoch == epoch)
        if stopping.over:
            ended = epoch
            break
    assert (stopping.epoch, ended) == (best, over)
