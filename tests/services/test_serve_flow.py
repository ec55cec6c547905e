"""Hosting as a deployment: it answers until its run is cancelled, by a real server and worker."""

import time

import httpx
import pytest

from tests.services.conftest import free_port, wait_for
from tests.services.test_prefect_server import start
from tests.small_models import publish_one, write_words

pytestmark = pytest.mark.services


@pytest.mark.timeout(600)
def test_it_answers_until_it_is_cancelled(prefect_server, tmp_path):
    publish_one(tmp_path / "artifacts" / "word2vec-1", "word2vec", write_words)
    port = free_port()
    run = (
        start(prefect_server, "serve", models=[f"words={tmp_path / 'artifacts'}"], port=port).raise_for_status().json()
    )
    url = f"http://127.0.0.1:{port}"
    wait_for(lambda: httpx.get(f"{url}/ping").is_success, seconds=180, what="the model that is hosted")
    assert httpx.post(f"{url}/invocations", json={"instances": ["dog"]}).json()[0]["word"] == "dog"

    cancelling = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
    prefect_server.client.post(f"/flow_runs/{run['id']}/set_state", json=cancelling).raise_for_status()
    until = time.monotonic() + 120
    while (state := prefect_server.client.get(f"/flow_runs/{run['id']}").json()["state_type"]) == "CANCELLING":
        assert time.monotonic() < until, prefect_server.log.read_text()
        time.sleep(0.5)
    assert state == "CANCELLED", prefect_server.log.read_text()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/ping")
