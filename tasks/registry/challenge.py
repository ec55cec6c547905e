"""A new model beside the champion, both judged on the same data: what the gate decides by."""

from collections.abc import Callable, Mapping
from typing import Any

from prefect import task

from data.errors import EmbertextError
from data.registry.records import Version
from tasks.against import Against, Comparison, Judge
from tasks.network import NETWORK, network_failed
from tasks.progress import log, progress
from tasks.registry.gate import Gate, decided


def challenge(gate: Gate | None, judge: Judge) -> Against | None:
    """What came of it; None where nothing is to be registered. judge: of an algorithm, which this does not know."""
    return judged(gate, judge.how, judge.given) if gate else None


@task(name="challenge", description="Judge the champion again, on the same data as the new model.", **NETWORK)
def judged(gate: Gate, how: Callable[..., Comparison], given: Mapping[str, Any]) -> Against:
    """The comparison with the champion that the gate has seen."""
    with progress("challenge"):
        against = beside(gate, gate.champion, Judge(how, given))
    log().info("%s: %s", gate.name, against.why)
    return against


def beside(gate: Gate, champion: Version | None, judge: Judge) -> Against:
    """The comparison with any champion. One that cannot be read any more loses; one that cannot be reached does not."""
    try:
        found = judge(champion.url if champion else "")
    except EmbertextError as error:
        if not champion or network_failed(error):
            raise
        alone = judge("")
        found = Comparison(alone.values, on=alone.on, note=str(error))
    return decided(gate, champion, found)
