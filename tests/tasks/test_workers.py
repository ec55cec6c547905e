from typing import Any

import pytest

from algorithms.training import Round, Share
from tasks import page, plots, train, workers

A, B = "tcp://10.0.0.1:4000", "tcp://10.0.0.1:4001"


def a_round(number: int, *shares: Share, lost: tuple[str, ...] = ()) -> Round:
    """Of four, each of two seconds."""
    words = sum(share.words for share in shares)
    loss = sum(share.loss for share in shares) / sum(share.examples for share in shares)
    given: dict[str, Any] = {"words": words, "seconds": 2.0, "words_per_second": words / 2, "learning_rate": 0.1}
    return Round(number, 4, number / 4, loss, **given, merging=0.1, shares=shares, lost=lost, team=None)  # type: ignore[arg-type]


ALONE = a_round(1, Share("this process", 10, 10, 5.0, 1.0))
BOTH = a_round(2, Share(A, 2_000_000, 100, 50.0, 1.0), Share(B, 1_000_000, 50, 20.0, 1.6))
LOST = a_round(
    3, Share(B, 2_000_000, 100, 50.0, 0.5), Share(B, 1_000_000, 50, 20.0, 0.5), lost=(f"worker {A} is gone",)
)


def test_a_single_worker_is_told_as_ever():
    assert train.round_line(ALONE) == "round 1 of 4: loss 0.5000, 5 words per second"
    assert train.note(ALONE, dashboard="http://x") == "loss 0.500, 5 words/s"
    assert workers.entry(ALONE) == {}
    assert workers.summary([train.history_entry(ALONE)]) is None


def test_how_many_parts_a_round_had():
    """As many as it was cut into, whoever trained them."""
    assert [workers.parts(train.history_entry(each)) for each in (ALONE, BOTH, LOST)] == [1, 2, 2]


def test_the_line_of_a_round():
    line = train.round_line(BOTH)
    assert line.startswith("round 2 of 4: loss 0.4667, 1,500,000 words per second, merging 0.100 s ( 5%); ")
    assert line.endswith("words/s and loss: :4000 2.00 M 0.5000 | :4001  625 k 0.4000")


def test_who_took_over_is_told_once():
    assert train.round_line(LOST).endswith("words/s and loss: 10.0.0.1:4001 3.00 M 0.4667")


def test_the_note_of_a_round():
    few, _, table = train.note(LOST, dashboard="http://10.0.0.1:8787/status").partition("\n\n")
    assert few == "loss 0.467, 1,500,000 words/s, 1 worker, 5% merging"
    rows = table.replace(workers.SPACE, "").splitlines()
    assert rows[:2] == ["| worker | words/s | loss | words | seconds |", "| --- | --- | --- | --- | --- |"]
    assert rows[2:4] == ["| 10.0.0.1:4001 | 3.00 M | 0.4667 | 3,000,000 | 1.00 |", "| merging |  |  |  | 0.10 |"]
    assert f"worker {A} is gone; others trained its part again" in table
    assert table.endswith("[Dask's dashboard](http://10.0.0.1:8787/status)")


def test_a_history_says_who_did_what():
    history = [train.history_entry(each) for each in (ALONE, BOTH, LOST)]
    assert history[1]["worker_1"] == B
    assert history[1]["worker_1_loss"] == pytest.approx(0.4)
    assert workers.of_round(history[1]) == {A: (2_000_000, 1.0), B: (1_000_000, 1.6)}
    assert workers.of_round(history[2]) == {B: (3_000_000, 1.0)}
    assert workers.summary(history) == {
        "merging": pytest.approx(0.05),
        "workers": [
            {"worker": A, "rounds": 1, "words": 2_000_000, "seconds": 1.0, "words_per_second": 2_000_000},
            {"worker": B, "rounds": 2, "words": 4_000_000, "seconds": 2.6, "words_per_second": 4_000_000 / 2.6},
        ],
        "lost": [{"round": 3, "what": f"worker {A} is gone"}],
    }


@pytest.mark.parametrize(
    ("addresses", "names"),
    [
        ([A], ["10.0.0.1:4000"]),
        (["tcp://[::1]:9", "tcp://[::1]:10"], [":9 ", ":10"]),
        (["tls://node-1:9", "tls://node-12:9"], ["node-1 ", "node-12"]),
        ([A, B, "tcp://10.0.0.2:4000"], ["10.0.0.1:4000", "10.0.0.1:4001", "10.0.0.2:4000"]),
        (["inproc://10.0.0.1/7/1", "inproc://10.0.0.1/7/2"], ["10.0.0.1/7/1", "10.0.0.1/7/2"]),
    ],
)
def test_short_names(addresses, names):
    assert list(workers.short(addresses).values()) == names


@pytest.mark.parametrize(
    ("words", "seconds", "text"),
    [(8_123_456, 1, "8.12 M"), (999_700, 1, "1.00 M"), (81_230, 1, "81.2 k"), (31, 2, "15.5  "), (9, 0, "   0  ")],
)
def test_rates(words, seconds, text):
    assert workers.rate(Share(A, words, 1, 1.0, seconds)) == text


@pytest.mark.parametrize("count", [2, 12])
def test_pictures(count):
    def shares(number: int) -> list[Share]:
        return [
            Share(f"tcp://h{(each + number) % count}:1", 9, 9, 1.0, 1.0 + each / 9) for each in range(number, count)
        ]

    history = [
        train.history_entry(a_round(2, *shares(0))),
        train.history_entry(a_round(4, *shares(0)[1:], *shares(0)[1:])),
    ]
    [speeds] = plots.worker_curves(history).axes
    assert speeds.get_title(loc="right") == f"{count} workers, ✖ lost"
    assert (speeds.get_legend() is None) == (count == 12)
    [shared] = plots.time_shares(history).axes
    tops = [bar.get_y() + bar.get_height() for bar in shared.patches]
    assert max(tops) == pytest.approx(1)
    plots.svg(shared.figure)


def test_a_page_has_its_workers():
    history = [train.history_entry(each) for each in (ALONE, BOTH, LOST)]
    manifest = {"history": history, "cluster": workers.summary(history), "workers": 2, "threads": 1}
    html = page.render("page.html.j2", title="a model", manifest=manifest, figures={}, curves={})
    assert "1 thread each of 2 workers" in html
    assert f"In round 3 <bdi>worker {A} is gone</bdi>; others" in html
    assert html.count("<img") == 2
    alone = {"history": history[:1], "workers": 1, "threads": 1}
    assert "Workers" not in page.render("page.html.j2", title="a model", manifest=alone, figures={}, curves={})
