"""Which decoder wins, and what is said of it."""

import pytest

from tasks.topics.compare import rank
from tasks.topics.evaluate import Evaluated
from tasks.topics.train import Trained


def compared(scores: dict[str, tuple[float, float]], published: str = "ntm"):
    """scores: NPMI and TU of each decoder."""
    trained = Trained(
        url="x", seconds=1.23, words_per_second=1, loss=1, rounds=1, seed=1, threads=1, workers=1, epoch=4, epochs=5,
        documents_per_second=1,
    )  # fmt: skip
    judged = {
        name: Evaluated(url="x", seconds=1, metrics={"total_loss": 7.0, "npmi": npmi, "tu": tu, "topics": []})
        for name, (npmi, tu) in scores.items()
    }
    return rank.fn(dict.fromkeys(scores, trained), judged, published=published)


@pytest.mark.parametrize(
    ("scores", "winner"),
    [
        ({"ntm": (0.1, 0.9), "prodlda": (0.4, 0.9)}, "prodlda"),
        ({"ntm": (0.1, 0.9), "prodlda": (0.4, 0.7)}, "ntm"),
        ({"ntm": (0.1, 0.9), "prodlda": (0.4, 0.7), "etm": (0.2, 0.8)}, "etm"),
        ({"ntm": (-0.1, 0.9)}, "ntm"),
    ],
)
def test_the_most_coherent_wins_unless_its_topics_repeat_each_other(scores, winner):
    assert compared(scores).winner == winner


def test_rows_begin_with_the_most_coherent():
    found = compared({"ntm": (0.1, 0.9), "prodlda": (0.4, 0.9)})
    assert [row["decoder"] for row in found.rows] == ["prodlda", "ntm"]
    assert found.rows[0] == {
        "decoder": "prodlda", "total_loss": 7.0, "npmi": 0.4, "tu": 0.9, "epochs": 5, "seconds": 1.2,
    }  # fmt: skip
    assert isinstance(found.rows[0]["epochs"], int)


def test_it_is_said_what_is_published():
    assert compared({"ntm": (0.1, 0.9), "prodlda": (0.4, 0.9)}).said == (
        "prodlda wins: NPMI 0.400, the highest of the decoders whose TU is within 0.15 of the best. Published is ntm."
    )
