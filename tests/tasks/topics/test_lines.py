"""Our lines against those of a real job: the same when its numbers are put in."""

import lzma
import os
import re
from pathlib import Path

import pytest

from algorithms.early_stopping import WindowStopping
from tasks.topics import lines

LOG = Path(os.environ.get("EMBERTEXT_DATA", ""), "sagemaker/ntm_20newsgroups_training.log.xz")
LOSSES = {"total_loss": 7.02, "kld": 0.02, "recons": 7.0}


def test_an_epoch():
    assert lines.begins(3) == "# Starting training for epoch 3"
    assert list(lines.trained(1, LOSSES, documents=3868, batch=128)) == [
        "# Finished training epoch 1 on 3868 examples from 31 batches, each of size 128.",
        "Metrics for Training:",
        "Loss (name: value) total: 7.02",
        "Loss (name: value) kld: 0.02",
        "Loss (name: value) recons: 7.0",
        "Loss (name: value) logppx: 7.02",
        "#quality_metric: host=algo-1, epoch=1, train total_loss <loss>=7.02",
    ]
    *_, score = lines.scored(LOSSES, documents=896, batch=128, epoch=1)
    assert score == "#validation_score (1): 7.02"
    assert len(list(lines.scored(LOSSES, documents=896, batch=128))) == 6
    assert lines.objective(73, LOSSES) == "#quality_metric: host=algo-1, epoch=73, validation total_loss <loss>=7.02"


def test_topics_without_vectors_and_with():
    rows = [{"words": ["game", "season"], "tu": 0.723, "wetc": None}]
    told = list(lines.topics({"topics": rows, "tu": 0.723, "wetc": None}))
    assert told == ["Topics from epoch:final (num_topics:1) [, tu 0.72]:", "game season"]
    rows = [{"words": ["game", "season"], "tu": 0.723, "wetc": 0.391}]
    told = list(lines.topics({"topics": rows, "tu": 0.75, "wetc": 0.371}))
    assert told == ["Topics from epoch:final (num_topics:1) [wetc 0.37, tu 0.75]:", "[0.39, 0.72] game season"]


@pytest.mark.skipif(not LOG.is_file(), reason="EMBERTEXT_DATA with SageMaker's log is not set")
def test_the_real_job_again():
    """Every line of its first host that we write too, from the numbers in it."""
    log = lzma.decompress(LOG.read_bytes()).decode()
    host = re.search(r"INFO (\d+)\] #validation_score", log)[1]
    real = [line for line in re.findall(rf"INFO {host}\] (.+)", log) if not line.startswith("#metrics")]
    stopping, ours, epoch, losses, documents = WindowStopping(num_patience_epochs=5, tolerance=0.001), [], 0, {}, 0
    for line in real[: next(i for i, line in enumerate(real) if line.startswith("Early stop"))]:
        if found := re.match(r"Loss \(name: value\) (total|kld|recons): (.*)", line):
            losses[{"total": "total_loss"}.get(found[1], found[1])] = float(found[2])
        elif found := re.match(r"(?:# )?Finished .* on (\d+) examples", line):
            documents = int(found[1])
        elif line.startswith("# Starting"):
            epoch += 1
            ours.append(lines.begins(epoch))
        elif " train total_loss" in line:
            ours += lines.trained(epoch, losses, documents=documents, batch=128)
        elif line.startswith("#validation_score"):
            ours += lines.scored(losses, documents=documents, batch=128, epoch=epoch)
            window = list(stopping.window)
            stopping.improved(epoch, losses["total_loss"])
            ours += lines.patience(stopping, window, losses["total_loss"])
        elif found := re.match(r"#progress_metric: .* completed (.*) % of epochs", line):
            assert list(lines.ends(epoch, of=100, over=False, documents=1, seconds=1.0, scoring=0.1))[1] == line
    kept = ("# Starting", "# Finished", "Finished", "Metrics", "Loss", "#quality", "#validation", "patience", "Bad ")
    assert ours == [line for line in real if line.startswith(kept)][: len(ours)]
    assert len(ours) > 1000
    assert stopping.over
    assert any(line == lines.best(stopping) for line in real)
