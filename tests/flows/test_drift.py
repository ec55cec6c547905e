"""Two partitions by each flow, registered: what changed is in the report of the second; events tell of both."""

import pytest
from prefect.events.clients import AssertingEventsClient
from prefect.events.worker import EventsWorker

from data import storage
from flows.drift import drift
from flows.object2vec import DEFAULT, object2vec
from flows.text_classification import text_classification
from flows.topics import topics
from flows.word2vec import word2vec
from tests import planted, related
from tests.flows.runs import artifacts, run

SMALL = {"vector_dim": 8, "epochs": 2, "min_count": 1}


def words(seed: int, new: str) -> str:
    return planted.text(sentences=600, seed=seed).replace("clamp", new)


CASES = {
    word2vec: (words, {"word2vec": {**SMALL, "evaluation": False}}),
    topics: (
        lambda seed, new: "\n\n".join(words(seed, new).split("\n")),
        {"topics": {"num_topics": 3, "epochs": 2, "mini_batch_size": 64}, "counting": {"threshold": 0}},
    ),
    text_classification: (
        lambda seed, new: planted.labelled(lines=300, seed=seed).replace("clamp", new),
        {"text_classification": {**SMALL, "buckets": 100, "learning_rate": 0.5}},
    ),
    object2vec: (
        lambda seed, new: related.documents().replace("the", new),
        {"object2vec": {**DEFAULT.model_dump(exclude_unset=True), "enc_dim": 8, "mini_batch_size": 32, "epochs": 1}},
    ),
}


@pytest.fixture
def told(prefect_api):
    """The events of our own that runs have emitted by now, by name."""
    AssertingEventsClient.reset()
    EventsWorker.set_client_override(AssertingEventsClient)

    def events():
        EventsWorker.instance().drain()
        found = [event for client in AssertingEventsClient.all for event in client.events]
        return [(event.event.removeprefix("embertext.model."), event.payload) for event in found if _ours(event)]

    yield events
    EventsWorker.instance().drain()
    EventsWorker.set_client_override(None)


def _ours(event) -> bool:
    return event.event.startswith("embertext.")


@pytest.mark.parametrize("flow", CASES, ids=lambda flow: flow.name)
def test_the_second_partition_is_compared_with_the_first(flow, told, tmp_path, cache):
    make, options = CASES[flow]
    for partition, seed, new in (("2026-01", 1, "clamp"), ("2026-02", 2, "vice")):
        (tmp_path / f"{partition}.txt").write_text(make(seed, new))
    place, output = f"{tmp_path}/{{partition}}.txt", f"{tmp_path}/out/{{partition}}"
    given = {"train": place, "output": output, "threads": 1, "registration": {"model_name": "m"}} | options
    if flow is object2vec:
        (tmp_path / "2026-01.jsonl").write_text(make(1, "the"))
        (tmp_path / "2026-02.jsonl").write_text(make(1, "vice"))
        given |= {"train": f"{tmp_path}/{{partition}}.jsonl", "pairing": {"min_count": 1}}
    first = run(flow, **given, partition="2026-01")
    assert first.state.is_completed(), first.result
    assert f"{flow.name}-drift" not in artifacts(first), "there was nothing before"
    second = run(flow, **given, partition="2026-02")
    assert second.state.is_completed(), second.result
    found = artifacts(second)[f"{flow.name}-drift"]
    assert found.description == "What changed since m@1 (2026-01)."
    assert '"words born"' in found.data
    report = storage.read_bytes(second.result.report).decode()
    assert "What changed since <bdi>m@1 (2026-01)</bdi>" in report
    manifest = storage.read_json(second.result.model.replace("model.tar.gz", "manifest.json"))
    vocabulary = manifest["drift"]["found"]["vocabulary"]
    assert [word["word"] for word in vocabulary["born"]] == ["vice"]

    names = [name for name, _ in told()]
    assert names[:2] == ["published", "promoted"]
    assert names[2] == "published"
    assert names[3] in ("promoted", "refused")
    payload = told()[3][1]
    assert (payload["version"], payload["champion"], payload["partition"]) == ("m@2", "m@1", "2026-02")
    assert payload["model"] == second.result.model
    assert payload["reason"]
    assert not payload["reused"]

    if flow is word2vec:  # the same two, asked for by a person
        asked = run(drift, first.result.model, second.result.model, output=str(tmp_path / "drift"))
        assert asked.result.figures["words born"] == 1
        assert storage.exists(asked.result.report)
        again = run(flow, **given, partition="2026-02")
        assert again.state.is_completed()
        assert [(name, payload["reused"]) for name, payload in told()][4] == ("published", True)
