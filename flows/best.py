"""The best model of a search: published as its own flow would have, and registered where that is asked for."""

from typing import Any

from tasks.publish import Published
from tasks.registry.challenge import challenge
from tasks.registry.drift import changes
from tasks.registry.gate import Gate
from tasks.registry.register import register
from tasks.tune.trial import Learned, Stages


def publish_best(gate: Gate | None, trials: Stages, learned: Learned, form: Any, *, output: str) -> Published:
    """Judge it beside the champion, say what changed, publish, pass the gate; publish alone where there is no gate."""
    judge = trials.judge(learned, form, judged_by=gate.judged_by if gate else "")
    against = challenge(gate, judge)
    against = changes(gate, against, trials.ingested, trials.since(learned, form))
    return register(gate, against, trials.publish(learned, form, output=output, against=against), judge)
