"""What is handed to Prefect; tests/services/test_events.py has a real server and automations."""

import math

import pytest
from prefect import flow
from prefect.events.clients import AssertingEventsClient
from prefect.events.worker import EventsWorker

from tasks import events
from tasks.events import ModelEvent, PartitionEvent

TOLD = ModelEvent(
    algorithm="word2vec", model="s3://b/m/model.tar.gz", report="s3://b/m/report.html", manifest="s3://b/m/manifest.json",
    partition="2026-01", metrics={"mean_rho": 0.5}, name="words", version="words@3", reason="no worse",
)  # fmt: skip


@pytest.fixture
def sent(prefect_api):
    """Events of runs, which go nowhere."""
    AssertingEventsClient.reset()
    EventsWorker.set_client_override(AssertingEventsClient)
    yield lambda: [event for client in AssertingEventsClient.all for event in client.events if _ours(event)]
    EventsWorker.set_client_override(None)
    EventsWorker.instance().drain()


def _ours(event) -> bool:
    return event.event.startswith("embertext.")


def test_what_is_told_of_a_model_and_of_a_partition(sent):
    @flow
    def tell():
        assert events.of_model("promoted", TOLD)
        assert events.of_model("published", TOLD.model_copy(update={"name": "", "metrics": {"loss": math.nan}}))
        assert events.of_partition(PartitionEvent(partition="2026-01", place="s3://b/n", url="u", files=1, bytes=2))

    tell()
    EventsWorker.instance().drain()
    promoted, published, arrived = sent()
    assert promoted.event == "embertext.model.promoted"
    assert promoted.resource.id == "embertext.model.words"
    assert dict(promoted.resource)["embertext.partition"] == "2026-01"
    assert promoted.payload == TOLD.model_dump()
    assert {related.role for related in promoted.related} >= {"flow-run", "flow"}
    assert published.resource.id == "embertext.model.word2vec"
    assert arrived.event == "embertext.partition.arrived"
    assert arrived.resource.id == "embertext.place.s3://b/n"
    assert arrived.payload["partition"] == "2026-01"


def test_outside_of_a_run_nothing_is_told():
    assert not events.of_model("published", TOLD)


def test_what_goes_wrong_ends_no_run(prefect_api, monkeypatch):
    def fail(*given, **options):
        raise OSError("the server is gone")

    monkeypatch.setattr(events, "emit_event", fail)

    @flow
    def tell() -> bool:
        return events.of_model("refused", TOLD)

    assert tell() is False
