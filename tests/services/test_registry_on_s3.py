"""The registry, and what is published, on a real S3 server: eight at once, the gate, and a network that fails."""

import os
import subprocess
import sys
import threading
import time

import pytest

from algorithms.text_classification.algorithm import TextClassification
from data import storage
from data.errors import StorageError
from data.registry import aliases, reference, versions
from data.registry.records import Model, Move
from flows.text_classification import text_classification
from tasks import stages
from tasks.registry.settings import Registration
from tests import planted
from tests.flows.runs import artifacts, run, states
from tests.services.conftest import ROOT
from tests.services.proxy import Proxy, cut, lost, slow_down

pytestmark = pytest.mark.services

MANIFEST, MEGABYTE = "manifest.json", 2**20
CLEAR = r"^s3://\S+: cannot (create|read|write|replace|list) it: [^\n]+; check the network and the endpoint[^\n]*$"


def model(number: int) -> Model:
    url = f"s3://models/{number}"
    return Model(
        url=url, model=f"{url}/model.tar.gz", manifest=f"{number:064}", algorithm="topics", created="2026-01-01"
    )


def promotion(version: int, previous: int) -> Move:
    return Move(version=version, previous=previous, how="promoted", when=versions.now(), by="me", why="because")


@pytest.fixture
def proxy(bucket, monkeypatch):
    import s3fs

    with Proxy(int(os.environ["AWS_ENDPOINT_URL"].rsplit(":", 1)[1])) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        s3fs.S3FileSystem.clear_instance_cache()
        yield proxy
        s3fs.S3FileSystem.clear_instance_cache()


PUBLISHER = """
import sys, threading
from data.registry import versions
from data.registry.records import Model

def model(number):
    return Model(url="u", model="m", manifest=f"{number:064}", algorithm="topics", created="2026-01-01")

def publish(thread):
    first = 10 * (2 * int(sys.argv[2]) + thread)
    for number in (first, first + 1, 999):
        version, new = versions.register(sys.argv[1], "topics", model(number))
        print(number, version.version, new, flush=True)

threads = [threading.Thread(target=publish, args=(thread,)) for thread in (0, 1)]
input()
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_eight_publishers_at_once(bucket):
    """Four processes of two threads; each has two models of its own, and one that all of them publish."""
    place = f"s3://{bucket}/eight"
    command = [sys.executable, "-c", PUBLISHER, place]
    started = [
        subprocess.Popen([*command, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for number in range(4)
    ]
    for each in started:
        each.stdin.write("go\n")
        each.stdin.flush()
    outputs = [each.communicate(timeout=120)[0] for each in started]
    told = [line.split() for output in outputs for line in output.splitlines()]
    assert [each.returncode for each in started] == [0] * 4
    assert len(told) == 24
    assert versions.numbers(place, "topics") == list(range(1, 18))
    given = {int(number): int(version) for number, version, _ in told}
    assert sorted(given.values()) == list(range(1, 18)), "each model has a version of its own"
    assert sum(new == "True" for _, _, new in told) == 17
    assert {each.version: int(each.manifest) for each in versions.all_of(place, "topics")} == {
        version: number for number, version in given.items()
    }


def test_eight_gates_at_once(bucket):
    """No move is lost: each follows the one before it."""
    place = f"s3://{bucket}/gates"

    def promote(version):
        aliases.moved(place, "topics", lambda alias: promotion(version, alias.version if alias else 0))

    threads = [threading.Thread(target=promote, args=(version,)) for version in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alias, _ = aliases.champion(place, "topics")
    moves = [*alias.history, alias]
    assert sorted(move.version for move in moves) == list(range(1, 9))
    assert [move.previous for move in moves] == [0, *(move.version for move in moves[:-1])]


def test_the_gate(prefect_api, bucket, cache, tmp_path):
    """Better: promoted. Worse: refused, in a run that is Completed. Done again: the same version."""
    corpus = tmp_path / "labelled.txt"
    corpus.write_text(planted.labelled())
    place = f"s3://{bucket}/gate"
    form = TextClassification(vector_dim=8, min_count=1, buckets=1000, learning_rate=1e-6, epochs=1)
    given = {"output": place, "threads": 1, "registration": Registration(model_name="planted")}
    found = {}
    for name, rate in {"first": 1e-6, "better": 0.5, "worse": 1e-5, "again": 1e-5}.items():
        form = form.model_copy(update={"learning_rate": rate})
        found[name] = run(text_classification, str(corpus), "10%", form, **given)
        assert found[name].state.is_completed()
    assert {name: states(each, expected=9)["register"] for name, each in found.items()} == {
        "first": "Promoted", "better": "Promoted", "worse": "Refused", "again": "Refused",
    }  # fmt: skip
    registry = f"{place}/registry"
    assert versions.numbers(registry, "planted") == [1, 2, 3]
    alias, _ = aliases.champion(registry, "planted")
    assert (alias.version, alias.previous, alias.run.flow) == (2, 1, "text-classification")
    champion = f"{registry}/planted@champion"
    assert storage.join(reference.resolved(champion), "model.tar.gz") == found["better"].result.model
    worse = versions.read(registry, "planted", 3)
    assert worse.judged["verdict"] == "not promoted"
    assert worse.judged["why"].startswith("worse: accuracy 0.")
    manifest = storage.read_json(storage.join(worse.url, MANIFEST))
    assert manifest["champion"] == worse.judged
    assert b"Against the champion" in storage.read_bytes(storage.join(worse.url, "report.html"))
    table = artifacts(found["worse"])["text-classification-champion"]
    assert table.description.startswith("planted@3 is refused: worse: accuracy 0.")
    assert found["worse"].result.rows[-1][1].startswith("planted@3, refused: worse")


@pytest.mark.parametrize("fault", [slow_down, cut, lost])
@pytest.mark.parametrize("path", ["/models/", "/versions/", "/aliases/"])
def test_a_write_that_fails_once_is_done_once(bucket, proxy, fault, path):
    """A fault at each object that registering writes: it is written, by us, once."""
    place = f"s3://{bucket}/once-{fault.__name__}{path.replace('/', '-')}"
    proxy.fail(fault, method="PUT", path=path)
    version, new = versions.register(place, "topics", model(1))
    assert (version.version, new) == (1, True)
    aliases.moved(place, "topics", lambda alias: promotion(1, 0))
    proxy.fail(fault, method="PUT", path=path)
    second, _ = versions.register(place, "topics", model(2))
    aliases.moved(place, "topics", lambda alias: promotion(2, alias.version))
    alias, _ = aliases.champion(place, "topics")
    assert (second.version, alias.version, [each.version for each in alias.history]) == (2, 2, [1])
    assert versions.numbers(place, "topics") == [1, 2]
    assert sum(line.endswith(fault.__name__) for line in proxy.seen) == 2


def test_a_server_that_is_asked_too_much_for_good(bucket, proxy):
    """One clear line, within a minute, and no version; afterwards as if nothing had been."""
    place = f"s3://{bucket}/asked-too-much"
    proxy.fail(slow_down, path="/versions/", times=10_000)
    start = time.monotonic()
    with pytest.raises(StorageError, match=CLEAR):
        versions.register(place, "topics", model(1))
    assert time.monotonic() - start < 60
    proxy.well()
    assert versions.numbers(place, "topics") == []
    assert versions.register(place, "topics", model(1))[0].version == 1


def test_nobody_there(bucket, proxy):
    """Refused: one clear line, soon; or, where somebody comes soon enough, it is done."""
    place = f"s3://{bucket}/nobody"
    proxy.close()
    start = time.monotonic()
    with pytest.raises(StorageError, match=CLEAR):
        versions.register(place, "topics", model(1))
    assert time.monotonic() - start < 30
    proxy.open_again(seconds=0.3)
    assert versions.register(place, "topics", model(1))[0].version == 1


class Reader(threading.Thread):
    """Looks all the time at a folder that is being published. half: what was not whole beside a manifest."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.url, self.half, self.seen, self.over = url, [], False, threading.Event()

    def run(self):
        import fsspec

        fs, path = fsspec.core.url_to_fs(self.url, client_kwargs={"endpoint_url": DIRECT[0]}, use_listings_cache=False)
        while not self.over.wait(0.02):
            if fs.exists(f"{path}/{MANIFEST}"):
                self.seen = True
                files = {
                    each["name"].rsplit("/", 1)[1]: each["size"] for each in fs.ls(path, detail=True, refresh=True)
                }
                if files.get("model.tar.gz") != SIZE or "report.html" not in files:
                    self.half.append(files)


SIZE = 110 * MEGABYTE  # large enough to go in parts
DIRECT = [""]


def published(url, size):
    with stages.workbench(url, marker=MANIFEST) as scratch:
        (scratch / "model.tar.gz").write_bytes(os.urandom(MEGABYTE) * (size // MEGABYTE))
        (scratch / "report.html").write_text("<p>all is well</p>")
        (scratch / MANIFEST).write_text("{}")


@pytest.mark.parametrize("failing", ["parts", "small files"])
def test_what_is_published_is_whole_or_not_there(bucket, proxy, failing):
    """Parts of a large model fail, or what is beside it; a reader never sees a manifest without all the rest."""
    DIRECT[0] = f"http://127.0.0.1:{proxy.backend}"
    url = f"s3://{bucket}/whole-{failing.replace(' ', '-')}"
    if failing == "parts":
        proxy.fail(slow_down, method="PUT", path="partNumber=1")
        proxy.fail(cut, method="PUT", path="partNumber=2")
        proxy.fail(lost, method="PUT", path="partNumber=3")
        proxy.fail(lost, method="POST", path="uploadId")  # the request that puts the parts together
    else:
        proxy.fail(lost, method="PUT", path="report.html")
        proxy.fail(cut, method="PUT", path=MANIFEST)
    reader = Reader(url)
    reader.start()
    published(url, SIZE)
    time.sleep(0.2)
    reader.over.set()
    reader.join()
    assert reader.seen
    assert reader.half == []
    failed = sorted(line.rsplit(" ", 1)[1] for line in proxy.seen if not line.endswith("HTTP/1.1"))
    assert failed == (["cut", "lost", "lost", "slow_down"] if failing == "parts" else ["cut", "lost"])
    assert storage.size(storage.join(url, "model.tar.gz")) == SIZE


def test_an_upload_that_cannot_be_finished_leaves_no_manifest(bucket, proxy):
    url = f"s3://{bucket}/unfinished"
    proxy.fail(cut, method="PUT", path="model.tar.gz", times=10_000)
    start = time.monotonic()
    with pytest.raises(StorageError, match=CLEAR):
        published(url, MEGABYTE)
    assert time.monotonic() - start < 60
    proxy.well()
    assert not storage.exists(storage.join(url, MANIFEST))
    assert storage.names(url) == []
