"""Real servers, started once a session when a test asks for them, each on ports of its own on loopback."""

import os
import random
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

ROOT = Path(__file__).parent.parent.parent
CEPH = ("ceph", "ceph-authtool", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")


def free_port() -> int:
    """One that the system gives to nobody by itself, while the server that is to have it starts."""
    while True:
        port = random.SystemRandom().randrange(10_000, 30_000)
        with suppress(OSError), socket.socket() as listener:
            listener.bind(("127.0.0.1", port))
            return port


def wait_for(condition, *, seconds: float, what: str):
    """What `condition` returns as soon as it is true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(httpx.HTTPError, OSError):
            if found := condition():
                return found
        time.sleep(0.2)
    pytest.fail(f"{what}: not within {seconds} seconds")


@contextmanager
def process(*command: object, log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command that runs in the background, from the root of the project, until the block ends."""
    with log.open("wb") as output:
        started = subprocess.Popen(
            list(map(str, command)), stdout=output, stderr=output, cwd=ROOT, env={**os.environ, **environment}
        )
        try:
            yield started
        finally:
            started.terminate()
            try:
                started.wait(20)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


class Patient(httpx.HTTPTransport):
    """Asks again while the server answers 503, its word for a database that another request holds: as Prefect's own
    clients do."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        for _ in range(30):
            answer = super().handle_request(request)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            answer.close()
            time.sleep(1)
        return answer


class PrefectServer(NamedTuple):
    """A server with our deployments and a worker. `client` speaks to its API, `log` is the worker's."""

    client: httpx.Client
    environment: dict[str, str]
    log: Path


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """The server that tests share. What is deployed has the flows' own places."""
    with prefect_running(tmp_path_factory.mktemp("prefect-server")) as server:
        yield server


@contextmanager
def prefect_running(folder: Path, **settings: str) -> Iterator[PrefectServer]:
    """A real server, `prefect deploy --all` as the README says, and a process worker; settings: of their environment.

    Its database, its logs and, where no setting says otherwise, the cache are in `folder`.
    """
    port = free_port()
    api = f"http://127.0.0.1:{port}/api"
    environment = {
        "PREFECT_HOME": str(folder / "home"),
        "PREFECT_API_URL": api,
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "INFO",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",  # what a browser shows is ours and Prefect's pages alone
        "EMBERTEXT_CACHE": str(folder / "cache"),
        "PWD": str(ROOT),  # where prefect.yaml says that the code is
        **settings,
    }
    prefect = (sys.executable, "-m", "prefect", "--no-prompt")
    with ExitStack() as stack:
        server = (*prefect, "server", "start", "--host", "127.0.0.1", "--port", port)
        stack.enter_context(process(*server, log=folder / "server.log", **environment))
        client = stack.enter_context(httpx.Client(base_url=api, timeout=120, transport=Patient()))
        wait_for(lambda: client.get("/health").is_success, seconds=120, what="Prefect server")
        for command in (("work-pool", "create", "local", "--type", "process"), ("deploy", "--all")):
            done = subprocess.run(
                [*prefect, *command], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stdout + done.stderr
        log = folder / "worker.log"
        worker = (*prefect, "worker", "start", "--pool", "local")
        stack.enter_context(process(*worker, log=log, **environment))
        yield PrefectServer(client, environment, log)


@contextmanager
def dask_running(folder: Path, *, workers: int, **settings: str) -> Iterator[str]:
    """The address of a scheduler with workers of one thread each, who have S3's address from our environment."""
    dask = (sys.executable, "-m", "dask")
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    with ExitStack() as stack:
        command = (*dask, "scheduler", "--host", "127.0.0.1", "--port", port, "--dashboard-address", "127.0.0.1:0")
        stack.enter_context(process(*command, log=folder / "scheduler.log", **settings))
        for number in range(workers):
            command = (*dask, "worker", address, "--nthreads", "1", "--memory-limit", "0", "--no-dashboard")
            stack.enter_context(process(*command, log=folder / f"worker-{number}.log", **settings))
        yield address


S3 = "ceph" if os.geteuid() == 0 and all(map(shutil.which, CEPH)) else "moto"


@pytest.fixture(scope="session", params=[S3])
def s3_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of Ceph's gateway where its binaries are and we are root (a real S3 server), else of moto's imitation.

    The name of each test says which: test_the_whole_flow[ceph].
    """
    port = free_port()
    with {"ceph": ceph, "moto": moto}[request.param](tmp_path_factory.mktemp("s3"), port):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def bucket(s3_server: str) -> Iterator[str]:
    """A bucket of the module's own; what reads it finds the server by the environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ENDPOINT_URL", s3_server)
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "SECRETTEST")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        import s3fs

        s3fs.S3FileSystem.clear_instance_cache()
        name = f"embertext-{uuid.uuid4().hex[:8]}"
        s3fs.S3FileSystem().mkdir(name)
        yield name
        s3fs.S3FileSystem.clear_instance_cache()


@contextmanager
def moto(folder: Path, port: int) -> Iterator[None]:
    """moto's server, in a process of its own."""
    with process(sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port, log=folder / "moto.log"):
        wait_for(lambda: httpx.get(f"http://127.0.0.1:{port}").status_code, seconds=60, what="moto")
        yield


CEPH_CONF = """
[global]
fsid = {fsid}
mon_host = [v2:127.0.0.1:{mon_port}/0]
mon_initial_members = a
public_network = 127.0.0.0/8
keyring = {folder}/keyring
auth_allow_insecure_global_id_reclaim = false
osd_pool_default_size = 1
osd_pool_default_min_size = 1
mon_allow_pool_size_one = true
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
mon_max_pg_per_osd = 1000
osd_objectstore = memstore
memstore_device_bytes = 1073741824
osd_crush_chooseleaf_type = 0
mon_data = {folder}/mon
osd_data = {folder}/osd
rgw_data = {folder}/rgw
log_file = {folder}/$name.log
admin_socket = {folder}/$name.asok
pid_file = {folder}/$name.pid
run_dir = {folder}
mon_data_avail_crit = 1
osd_memory_target = 939524096
rgw_frontends = beast endpoint=127.0.0.1:{port}
rgw_dynamic_resharding = false
rgw_crypt_require_ssl = false
rgw_num_rados_handles = 1
rgw_thread_pool_size = 32
"""


@contextmanager
def ceph(folder: Path, port: int) -> Iterator[None]:
    """One monitor, one object store in memory, one gateway. cephx stays on: without it radosgw 16 never starts."""
    fsid, mon_port, keyring = str(uuid.uuid4()), free_port(), folder / "keyring"
    conf, monmap = folder / "ceph.conf", folder / "monmap"
    conf.write_text(CEPH_CONF.format(fsid=fsid, mon_port=mon_port, folder=folder, port=port))
    for name in ("mon", "osd", "rgw"):
        (folder / name).mkdir()
    environment = {**os.environ, "CEPH_CONF": str(conf)}

    def run(*command: object) -> str:
        done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"
        return done.stdout

    run("monmaptool", "--create", "--addv", "a", f"[v2:127.0.0.1:{mon_port}]", "--fsid", fsid, monmap)
    run("ceph-authtool", "--create-keyring", keyring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
    for name in ("client.admin", "client.rgw.a", "osd.0"):
        capabilities = [word for kind in ("mon", "osd", "mgr") for word in ("--cap", kind, "allow *")]
        run("ceph-authtool", keyring, "--gen-key", "-n", name, *capabilities)
    run("ceph-mon", "-i", "a", "--mkfs", "--monmap", monmap, "--keyring", keyring)
    with ExitStack() as stack:

        def start(*command: str) -> None:
            log = folder / f"{command[0]}.out"
            stack.enter_context(process(*command, "--foreground", log=log, CEPH_CONF=str(conf)))

        start("ceph-mon", "-i", "a")
        osd = str(uuid.uuid4())
        run("ceph", "osd", "new", osd)
        run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        run("ceph", "osd", "crush", "add", "osd.0", "1.0", "host=h", "root=default")
        start("ceph-osd", "-i", "0")
        keys = ("--access-key=AKIDTEST", "--secret-key=SECRETTEST")
        run("radosgw-admin", "user", "create", "--uid=t", "--display-name=t", *keys)
        start("radosgw", "-n", "client.rgw.a", "--keyring", str(keyring))
        wait_for(lambda: httpx.get(f"http://127.0.0.1:{port}").is_success, seconds=60, what="Ceph RGW")
        yield
