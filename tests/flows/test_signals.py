import signal
import subprocess
import sys
import time

import pytest
from prefect.exceptions import TerminationSignal
from prefect.utilities.engine import capture_sigterm

from flows.signals import RAISED, SendAgain


class Finalised:
    """A signal arrives while it is finalised: Python drops what is raised there."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __del__(self) -> None:
        signal.raise_signal(self.number)


@pytest.fixture(params=RAISED, ids=lambda kind: kind.__name__)
def kind(request):
    def handler(number, frame):
        raise request.param(number)

    before = signal.signal(RAISED[request.param], handler)
    yield request.param
    signal.signal(RAISED[request.param], before)


def test_a_dropped_signal_is_sent_again(kind):
    with SendAgain():
        Finalised(RAISED[kind])  # nothing is raised here
        with pytest.raises(kind):
            time.sleep(10)


def test_other_dropped_exceptions_are_told_as_before():
    code = """
from flows.signals import SendAgain

class Broken:
    def __del__(self):
        raise OSError("told")

SendAgain()
Broken()
"""
    done = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, check=True)
    assert done.stderr.startswith("Exception ignored in: <function Broken.__del__")
    assert done.stderr.endswith("OSError: told\n")


def test_prefect_raises_what_is_known_here():
    with capture_sigterm(), pytest.raises(TerminationSignal):
        signal.raise_signal(signal.SIGTERM)
