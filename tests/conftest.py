"""What several tests share: nothing of the user's is touched, and one Prefect server serves the whole session."""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import planted
from tests.spread import pytest_collection_modifyitems as pytest_collection_modifyitems
from tests.spread import pytest_xdist_make_scheduler as pytest_xdist_make_scheduler

# before anything imports Prefect, which reads these once
_HOME = tempfile.TemporaryDirectory(prefix="embertext-tests-", ignore_cleanup_errors=True)
os.environ |= {
    "PREFECT_HOME": f"{_HOME.name}/prefect",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_SERVER_DATABASE_TIMEOUT": "60",  # a slow disk may take longer than the usual 10 seconds
    "PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT": "60",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "DO_NOT_TRACK": "1",
    "EMBERTEXT_CACHE": f"{_HOME.name}/cache",
}
for name in ("PREFECT_API_URL", "PREFECT_API_KEY", "PREFECT_PROFILE"):
    os.environ.pop(name, None)

settings.register_profile("busy machines", deadline=None)  # what takes 200 ms there says nothing
settings.load_profile("busy machines")

# a suite that is started in the background is born deaf to Ctrl-C, and so would be all that its tests start
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def prefect_api() -> Iterator[str]:
    """The URL of a temporary Prefect server: about ten seconds to start, once."""
    from prefect.settings import PREFECT_API_URL
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield str(PREFECT_API_URL.value())


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48,000 words, 16 distinct, of two kinds."""
    return planted.write(tmp_path_factory.mktemp("corpora") / "planted.txt")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of finished stages, for one test alone."""
    monkeypatch.setenv("EMBERTEXT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
