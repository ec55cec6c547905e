"""The gate to being the champion: opened before a training, passed after it. What it decides is pure."""

from collections.abc import Mapping, Sequence

from prefect import task
from pydantic import BaseModel

from data import storage
from data.errors import EmbertextError, HyperparameterError
from data.registry import aliases, versions
from data.registry.records import Version
from tasks.against import Against, Better, Comparison, Row, known
from tasks.network import NETWORK
from tasks.progress import log
from tasks.registry.settings import Promote, Registration

ROUNDING = 1e-12  # of two numbers that are the same


class Gate(BaseModel, frozen=True):
    """A model's place in a registry, and its champion when the gate was opened, if it had one by then.

    metrics: which ones there are to be judged by, and which values of each are better; judged_by: the one that decides.
    """

    registry: str
    name: str
    algorithm: str
    promote: Promote
    judged_by: str
    margin: float
    metrics: dict[str, Better]
    champion: Version | None = None


def open_gate(registration: Registration, output: str, *, algorithm: str, metrics: Mapping[str, Better]) -> Gate | None:
    """Look at the registry before hours of training; None where nothing is to be registered.

    metrics: those that the algorithm can be judged by, its own first. Raises EmbertextError for an unknown one, for a
    registry that cannot be written, or whose server knows no conditions, and for a name that another algorithm has.
    """
    if not registration.model_name:
        return None
    judged_by = registration.judged_by.strip() or next(iter(metrics))
    if judged_by not in metrics:
        remedy = f"choose one of {', '.join(metrics)}"
        raise HyperparameterError(f"no metric of {algorithm}", field="judged_by", value=judged_by, remedy=remedy)
    gate = Gate(
        registry=registration.place(output),
        name=registration.model_name,
        algorithm=algorithm,
        promote=registration.promote,
        judged_by=judged_by,
        margin=registration.margin,
        metrics=dict(metrics),
    )
    return look(gate)


@task(name="registry", description="Look up the champion, and whether the registry can be written.", **NETWORK)
def look(gate: Gate) -> Gate:
    """The gate with its champion. Raises EmbertextError."""
    storage.check_conditional(storage.join(gate.registry, gate.name))
    alias, _ = aliases.champion(gate.registry, gate.name)
    champion = versions.read(gate.registry, gate.name, alias.version) if alias else None
    earlier = champion or next(iter(versions.all_of(gate.registry, gate.name)[-1:]), None)
    if earlier and earlier.algorithm != gate.algorithm:
        remedy = "choose another model_name, or another registry"
        where = storage.join(gate.registry, gate.name)
        raise EmbertextError(
            f"its versions are of {earlier.algorithm}, not of {gate.algorithm}", where=where, remedy=remedy
        )
    log().info("%s: %s", gate.name, f"the champion is {champion.label}" if champion else "there is no champion yet")
    return gate.model_copy(update={"champion": champion})


def decided(gate: Gate, champion: Version | None, found: Comparison) -> Against:
    """Whether a model passes, and why."""
    promoted, why = _verdict(gate, champion, found)
    others = [metric for metric in found.values if metric in gate.metrics and metric != gate.judged_by]
    return Against(
        name=gate.name,
        champion=champion.label if champion else "",
        url=champion.url if champion else "",
        judged_by=gate.judged_by,
        margin=gate.margin,
        rows=_rows(gate, found, [gate.judged_by, *others]),
        promoted=promoted,
        why=why,
        on=found.on,
        note=found.note,
    )


def _verdict(gate: Gate, champion: Version | None, found: Comparison) -> tuple[bool, str]:
    metric = gate.judged_by
    that, this = found.values.get(metric, (None, None))
    note = f": {found.note}" if found.note else ""
    if gate.promote == "never":
        return False, "promotion is not asked for"
    if gate.promote == "always":
        return True, "promoted whatever it is worth, as is asked for"
    if champion is None:
        if this is not None and not known(this):
            return False, f"its {metric} is {this}"
        return True, "the first one"
    if this is None or not known(this):
        return False, f"there is no {metric} of it{note}" if this is None else f"its {metric} is {this}"
    if that is None or not known(that):
        return True, f"there is no {metric} of {champion.label}{note}"
    worse = that - this if gate.metrics[metric] == "higher" else this - that
    both = f"{metric} {number(this)}, that of {champion.label} {number(that)}"
    if found.flaw:
        return False, f"{both}, but {found.flaw}"
    if worse > gate.margin + ROUNDING:
        return False, f"worse: {both}" + (f", with a margin of {gate.margin:g}" if gate.margin else "")
    return True, f"not worse: {both}" + (f", with a margin of {gate.margin:g}" if worse > ROUNDING else "")


def _rows(gate: Gate, found: Comparison, metrics: Sequence[str]) -> list[Row]:
    pairs = {metric: found.values.get(metric, (None, None)) for metric in metrics}
    return [
        Row(metric=metric, better=gate.metrics[metric], champion=_finite(that), this=_finite(this))
        for metric, (that, this) in pairs.items()
    ]


def _finite(value: float | None) -> float | None:
    """JSON has no NaN."""
    return value if known(value) else None


def number(value: float | None) -> str:
    """As a person compares it."""
    return "–" if value is None else f"{value:.4f}"
