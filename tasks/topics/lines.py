"""The lines that users of NTM search its log for, in the shape that a real SageMaker job gave them. Knows numbers only.

`#quality_metric: host=algo-1, epoch=73, validation total_loss <loss>=6.66` is the one that tuning jobs read.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from algorithms.early_stopping import WindowStopping

HOST = "algo-1"
WORDS = 20  # of a topic

Losses = Mapping[str, float]
"""total_loss, kld and recons, in nats a word."""


def begins(epoch: int) -> str:
    """An epoch, counted from 1, begins."""
    return f"# Starting training for epoch {epoch}"


def trained(epoch: int, losses: Losses, *, documents: int, batch: int) -> Iterator[str]:
    """What an epoch's training came to."""
    batches = -(-documents // batch)
    yield f"# Finished training epoch {epoch} on {documents} examples from {batches} batches, each of size {batch}."
    yield "Metrics for Training:"
    yield from _losses(losses)
    yield f"#quality_metric: host={HOST}, epoch={epoch}, train total_loss <loss>={losses['total_loss']}"


def scored(losses: Losses, *, documents: int, batch: int, epoch: int = 0) -> Iterator[str]:
    """What the validation documents, or the test's, came to; as the score of an epoch where one is given."""
    yield f"Finished scoring on {documents} examples from {-(-documents // batch)} batches, each of size {batch}."
    yield "Metrics for Inference:"
    yield from _losses(losses)
    if epoch:
        yield f"#validation_score ({epoch}): {losses['total_loss']}"


def patience(stopping: WindowStopping, window: Sequence[float], loss: float) -> Iterator[str]:
    """What the rule says after an epoch of this loss; `window` are the losses that it compared with."""
    if len(window) < stopping.num_patience_epochs:
        return
    least = min(window)
    yield (
        f"patience losses:{list(window)} min patience loss:{least} current loss:{loss} "
        f"absolute loss difference:{abs(least - loss)}"
    )
    if stopping.bad:
        yield f"Bad epoch: loss has not improved (enough). Bad count:{stopping.bad}"
    if stopping.over:
        yield "Bad epochs exceeded patience. Stopping training early!"


def ends(epoch: int, *, of: int, over: bool, documents: int, seconds: float, scoring: float) -> Iterator[str]:
    """How far the training is, and how fast: seconds of training and of scoring this epoch."""
    yield f"Timing: train: {seconds:.2f}s, val: {scoring:.2f}s, epoch: {seconds + scoring:.2f}s"
    if over:
        yield "Early stop condition met. Stopping training."
    yield f"#progress_metric: host={HOST}, completed {100 if over else 100 * epoch / of} % of epochs"
    yield f"#throughput_metric: host={HOST}, train throughput={documents / max(seconds, 1e-9)} records/second"


def best(stopping: WindowStopping) -> str:
    """Whose weights are kept."""
    return f"Best model based on early stopping at epoch {stopping.epoch}. Best loss: {stopping.best}"


def objective(epoch: int, losses: Losses) -> str:
    """The loss of the final model on the validation documents, once, when `epoch` was the last to be trained."""
    return f"#quality_metric: host={HOST}, epoch={epoch}, validation total_loss <loss>={losses['total_loss']}"


def topics(judgement: Mapping[str, Any]) -> Iterator[str]:
    """The topics that `algorithms.coherence.judge` tells of: [wetc, tu] before their words, where there are vectors."""
    rows, wetc = judgement["topics"], judgement["wetc"]
    told = "" if wetc is None else f"wetc {wetc:.2f}"
    yield f"Topics from epoch:final (num_topics:{len(rows)}) [{told}, tu {judgement['tu']:.2f}]:"
    for row in rows:
        scores = "" if wetc is None else f"[{row['wetc']:.2f}, {row['tu']:.2f}] "
        yield scores + " ".join(row["words"][:WORDS])


def _losses(losses: Losses) -> Iterator[str]:
    names = {"total": "total_loss", "kld": "kld", "recons": "recons", "logppx": "total_loss"}
    for shown, name in names.items():
        yield f"Loss (name: value) {shown}: {losses[name]}"
