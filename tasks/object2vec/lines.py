"""The lines that users of Object2Vec search its log for, and that tuning jobs read. Knows numbers only.

`#quality_metric: host=algo-1, epoch=3, validation accuracy <score>=0.94`
"""

from collections.abc import Iterator, Mapping

HOST = "algo-1"
KINDS = {"cross_entropy": "loss", "mean_squared_error": "loss", "accuracy": "score"}


def quality(which: str, metrics: Mapping[str, float], *, epoch: int = 0) -> Iterator[str]:
    """What the pairs of a set came to: which is train, validation or test; the last has no epoch."""
    when = f"epoch={epoch}, " if epoch else ""
    for name, kind in KINDS.items():
        if name in metrics:
            yield f"#quality_metric: host={HOST}, {when}{which} {name} <{kind}>={metrics[name]}"


def ends(epoch: int, *, of: int, over: bool, pairs: int, seconds: float) -> Iterator[str]:
    """How far the training is after an epoch, counted from 1, and how fast: seconds of its training alone."""
    yield f"#progress_metric: host={HOST}, completed {100.0 if over else 100 * epoch / of} %"
    yield f"#throughput_metric: host={HOST}, train throughput={pairs / max(seconds, 1e-9)} records/second"


def stops(waited: int) -> str:
    """Why there are no more epochs."""
    return f"Early stop condition met after {waited} epochs without improvement. Stopping training."


def best(epoch: int, loss: float) -> str:
    """Whose weights are kept."""
    return f"Best model based on early stopping at epoch {epoch}. Best loss: {loss}"
