import logging

import httpx
import pytest
from distributed import Client, LocalCluster

from tasks import dashboard


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as local,
        Client(local.scheduler.address) as client,
    ):
        yield client


def test_a_dashboard_that_draws(client):
    address = dashboard.address(client)
    assert address.endswith("/status")
    assert len(httpx.get(address).text) > 1000


def test_a_scheduler_without_bokeh_has_tables(client, monkeypatch):
    monkeypatch.setattr(client, "run_on_scheduler", lambda *_: None)
    address = dashboard.address(client)
    assert address.endswith("/info/main/workers.html")
    assert "Nanny" in httpx.get(address).text or "Worker" in httpx.get(address).text


def test_a_scheduler_without_dashboard(monkeypatch):
    assert dashboard.address(type("Client", (), {"dashboard_link": None})()) == ""


def test_it_is_said_in_the_log(caplog):
    with caplog.at_level(logging.INFO):
        dashboard.show("http://x:8787/status", workers=3, scheduler="tcp://x:8786")
    assert "3 workers of tcp://x:8786; Dask's dashboard: http://x:8787/status" in caplog.text
