import socket
from types import SimpleNamespace

import pytest
import requests
from prefect.states import Failed

from data.errors import CorpusError, StorageError
from tasks import network


def chained(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionResetError("reset"), True),
        (TimeoutError(), True),
        (chained(StorageError("cannot read it"), ConnectionRefusedError()), True),
        (chained(CorpusError("cannot be downloaded"), type("X", (Exception,), {"__module__": "requests.x"})()), True),
        (chained(StorageError("x"), type("NoCredentialsError", (Exception,), {"__module__": "botocore.x"})()), False),
        (CorpusError("no words in it"), False),
        (chained(StorageError("cannot write"), PermissionError()), False),
        (TypeError("a mistake of ours"), False),
    ],
)
def test_only_networks_are_tried_again(error, expected, capsys):
    task, run = SimpleNamespace(name="ingest"), SimpleNamespace(run_count=2)
    assert network.try_again(task, run, Failed(data=error)) is expected
    assert capsys.readouterr().err == (f"ingest: {error}; trying again\n" if expected else "")


def test_an_unknown_host_is_tried_once_more_and_no_oftener():
    unknown = chained(CorpusError("cannot be downloaded"), requests.ConnectionError("no such host"))
    unknown.__cause__.__context__ = chained(Exception("retries"), socket.gaierror(-3, "Temporary failure"))
    tries = [
        network.try_again(SimpleNamespace(name="x"), SimpleNamespace(run_count=n), Failed(data=unknown)) for n in (1, 2)
    ]
    assert tries == [True, False]
