"""What changed between two models of one algorithm: a table, and a page with pictures."""

from prefect import flow, task
from prefect.artifacts import create_link_artifact, create_table_artifact
from pydantic import BaseModel

from algorithms.drift.models import figures
from data.storage import check_writable
from flows import matter
from flows.form import titled
from tasks.artifacts import link
from tasks.drift import Drifted, rows, write
from tasks.network import NETWORK
from tasks.progress import log


class Drift(BaseModel, frozen=True):
    """The page's place, and each number by its name."""

    report: str
    figures: dict[str, float]


@task(name="compare", description="Read both models; compare words, neighbours, topics, classes.", **NETWORK)
def compare(old: str, new: str) -> Drifted:
    """Raises EmbertextError where one of them is no model, or they are of two algorithms."""
    return matter.compared(old, new)


@task(name="publish", description="Draw the page and put it where others find it.", **NETWORK)
def publish(drifted: Drifted, *, output: str) -> str:
    """The page's URL."""
    url = write(drifted, output)
    log().info("published %s", url)
    return url


@flow(name="drift", description="Say what changed between two models of one algorithm, publish a page about it.")
@titled
def drift(old: str, new: str, output: str = "artifacts") -> Drift:
    """Compare, publish, report.

    Args:
        old: The earlier model: its folder or model.tar.gz, a path or a URL.
        new: The later one, of the same algorithm.
        output: The folder or URL below which the page's own folder is published.

    """
    check_writable(output)
    drifted = compare(old, new)
    report = publish(drifted, output=output)
    create_table_artifact(rows(drifted), key="drift", description=f"What changed since {drifted.before.name}.")
    create_link_artifact(link(report), link_text="report.html", key="drift-report", description="The whole page.")
    return Drift(
        report=report,
        figures={name: value for name, value, _ in figures(drifted.found) if value is not None},
    )
