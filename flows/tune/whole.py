"""A sweep from its first trial to its report: what all flows that tune do once their data has come in."""

from flows.best import publish_best
from tasks.registry.gate import Gate
from tasks.train import machines
from tasks.tune.artifacts import Tuned, report
from tasks.tune.publish import publish
from tasks.tune.sweep import Sweep, search
from tasks.tune.trial import Stages, as_task


def tune(
    sweep: Sweep, trials: Stages, gate: Gate | None, *, output: str, threads: int, workers: int, scheduler: str
) -> Tuned:
    """Prepare what all trials share, run them, publish the best and the sweep."""
    if not sweep.searches(*trials.prepared_by):  # what is wrong with the data is told now, and once
        trials.prepare(sweep.form, machines(threads=threads, workers=workers, scheduler=scheduler), as_task)
    swept = search(sweep, trials, threads=threads, workers=workers, scheduler=scheduler)
    learned = trials(swept.form, swept.machines, as_task)
    best = publish_best(gate, trials, learned, swept.form, output=output)
    published = publish(swept, trials.ingested, best, output=output)
    return report(swept, trials.ingested, learned, best, published)
