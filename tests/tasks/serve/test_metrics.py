"""What is counted, and how it is told."""

import math
from multiprocessing import get_context

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tasks.serve.metrics import BUCKETS, UNKNOWN, Metrics, cells
from tasks.serve.models import Models
from tests.tasks.serve.fake import Fake


def told(metrics):
    """Every sample, by name and labels."""
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_requests_are_counted_by_model_and_status():
    metrics = Metrics(Models.of(words=Fake(), topics=Fake()))
    for status in (200, 200, 400, 418):
        metrics.begun("words")
        metrics.ended("words", status, 0.002, received=10, sent=100)
    metrics.begun(UNKNOWN)
    metrics.ended(UNKNOWN, 404, 0.1, received=0, sent=5)
    metrics.begun("topics")
    found = told(metrics)
    assert found["embertext_requests_total", (("model", "words"), ("status", "200"))] == 2
    assert found["embertext_requests_total", (("model", "words"), ("status", "400"))] == 1
    assert found["embertext_requests_total", (("model", "words"), ("status", "500"))] == 1  # one that is not listed
    assert found["embertext_requests_total", (("model", UNKNOWN), ("status", "404"))] == 1
    assert found["embertext_received_bytes_total", (("model", "words"),)] == 40
    assert found["embertext_sent_bytes_total", (("model", "words"),)] == 400
    assert found["embertext_requests_in_flight", (("model", "words"),)] == 0
    assert found["embertext_requests_in_flight", (("model", "topics"),)] == 1
    assert found["process_resident_memory_bytes", ()] > 2**20


@pytest.mark.parametrize("seconds", [0.0, BUCKETS[0], 0.0011, BUCKETS[-1], 60.0])
def test_seconds_fall_into_the_buckets_that_they_fit(seconds):
    metrics = Metrics(Models.of(words=Fake()))
    metrics.begun("words")
    metrics.ended("words", 200, seconds, received=0, sent=0)
    found = told(metrics)
    for bound in (*BUCKETS, math.inf):
        label = "+Inf" if bound == math.inf else str(bound)
        key = ("embertext_request_seconds_bucket", (("le", label), ("model", "words")))
        assert found[key] == (seconds <= bound)
    assert found["embertext_request_seconds_count", (("model", "words"),)] == 1
    assert found["embertext_request_seconds_sum", (("model", "words"),)] == seconds


def test_the_version_that_answers_is_told():
    found = told(Metrics(Models.of(words=Fake())))
    key = ("embertext_model_info", (("algorithm", "fake"), ("model", "words"), ("version", "1")))
    assert found[key] == 1
    assert found["embertext_model_opened_timestamp_seconds", (("model", "words"),)] > 1e9


def _count(shared, process):
    metrics = Metrics(Models.of(words=Fake()), shared=shared, process=process)
    metrics.begun("words")
    metrics.ended("words", 200, 0.001, received=1, sent=2)


def test_any_process_tells_the_sum_of_all():
    shared = cells(1, processes=2)
    process = get_context("spawn").Process(target=_count, args=(shared, 1))
    process.start()
    process.join()
    assert process.exitcode == 0
    _count(shared, 0)
    found = told(Metrics(Models.of(words=Fake()), shared=shared, process=0))
    assert found["embertext_requests_total", (("model", "words"), ("status", "200"))] == 2
    assert found["embertext_received_bytes_total", (("model", "words"),)] == 2


def test_what_a_process_left_behind_in_flight_is_forgotten():
    shared = cells(1, processes=1)
    Metrics(Models.of(words=Fake()), shared=shared).begun("words")
    found = told(Metrics(Models.of(words=Fake()), shared=shared))
    assert found["embertext_requests_in_flight", (("model", "words"),)] == 0
