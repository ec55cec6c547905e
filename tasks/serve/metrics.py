"""What is counted of requests, as Prometheus wants it. One writer a process: the thread of its event loop.

The numbers are plain cells in memory that the processes of a server may share, a block of them for each process, so
that any can tell the sum of all, and counting costs next to nothing. What each cell is stands in `CELLS`.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from multiprocessing.sharedctypes import RawArray
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from tasks.serve.models import Models

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
STATUSES = (200, 400, 404, 405, 406, 408, 413, 415, 499, 500, 503)
BUCKETS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
UNKNOWN = "unknown"  # the model of a request that named none of those there are

STATUS = {status: cell for cell, status in enumerate(STATUSES)}
BUCKET = len(STATUSES)  # the first of them; the one after the last is +Inf
SECONDS = BUCKET + len(BUCKETS) + 1
RECEIVED, SENT, FLYING = SECONDS + 1, SECONDS + 2, SECONDS + 3
CELLS = FLYING + 1


def cells(models: int, *, processes: int) -> Any:
    """Zeros for all processes of a server: shared by those that are started with it."""
    return RawArray("d", processes * (models + 1) * CELLS)


class Metrics(Collector):
    """The counts of one process, and the telling of all.

    shared: of `cells`; None: this process is alone. process: which block of them is ours, from 0.
    """

    def __init__(self, models: Models, *, shared: Any = None, process: int = 0) -> None:
        self.models = models
        self.names = [*models.places, UNKNOWN]
        self._all = memoryview(cells(len(models.places), processes=1) if shared is None else shared).cast("B").cast("d")
        self._block = len(self.names) * CELLS
        first = process * self._block
        self._rows = {
            name: self._all[first + index * CELLS : first + (index + 1) * CELLS]
            for index, name in enumerate(self.names)
        }
        for row in self._rows.values():
            row[FLYING] = 0  # of a process before us that ended in the midst of some
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def begun(self, model: str) -> None:
        """A request for a model has arrived."""
        self._rows[model][FLYING] += 1

    def ended(self, model: str, status: int, seconds: float, *, received: int, sent: int) -> None:
        """It has been answered; bytes are those of the two bodies."""
        row = self._rows[model]
        row[FLYING] -= 1
        row[STATUS.get(status, STATUS[500])] += 1
        row[BUCKET + bisect_left(BUCKETS, seconds)] += 1
        row[SECONDS] += seconds
        row[RECEIVED] += received
        row[SENT] += sent

    def exposition(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        requests = CounterMetricFamily("embertext_requests", "Answers given.", labels=("model", "status"))
        latency = HistogramMetricFamily("embertext_request_seconds", "Seconds until an answer.", labels=("model",))
        received = CounterMetricFamily("embertext_received_bytes", "Bytes of requests' bodies.", labels=("model",))
        sent = CounterMetricFamily("embertext_sent_bytes", "Bytes of answers' bodies.", labels=("model",))
        flying = GaugeMetricFamily("embertext_requests_in_flight", "Requests being answered.", labels=("model",))
        for index, name in enumerate(self.names):
            total = self._total(index)
            for status, cell in STATUS.items():
                if total[cell]:
                    requests.add_metric((name, str(status)), total[cell])
            if name == UNKNOWN and not any(total):
                continue
            latency.add_metric((name,), list(_cumulated(total)), total[SECONDS])
            received.add_metric((name,), total[RECEIVED])
            sent.add_metric((name,), total[SENT])
            flying.add_metric((name,), total[FLYING])
        version = GaugeMetricFamily(
            "embertext_model_info", "The version that answers.", labels=("model", "algorithm", "version")
        )
        opened = GaugeMetricFamily("embertext_model_opened_timestamp_seconds", "Since when.", labels=("model",))
        for model in self.models:
            version.add_metric((model.name, model.answers.algorithm, model.version.name), 1)
            opened.add_metric((model.name,), model.opened)
        yield from (requests, latency, received, sent, flying, version, opened)

    def _total(self, index: int) -> Sequence[float]:
        """One model's cells, summed over the processes."""
        first = index * CELLS
        blocks = range(first, len(self._all), self._block)
        return [sum(self._all[block + cell] for block in blocks) for cell in range(CELLS)]


def _cumulated(total: Sequence[float]) -> Iterator[tuple[str, float]]:
    """Prometheus's buckets: how many took at most so long."""
    count = 0.0
    for cell, bound in enumerate((*map(str, BUCKETS), "+Inf"), start=BUCKET):
        count += total[cell]
        yield bound, count
