import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from data import process

ROOT = Path(__file__).parents[2]


def test_cores_are_those_that_may_be_used():
    assert 1 <= process.cores() <= (os.cpu_count() or 1)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
def test_cores_follow_the_affinity(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3})
    assert process.cores() == 1


def _deaf() -> None:
    raise SystemExit(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))


@pytest.mark.parametrize("in_a_thread", [False, True])
def test_what_starts_in_the_block_does_not_hear_ctrl_c(in_a_thread):
    child = multiprocessing.get_context("spawn").Process(target=_deaf)
    with process.deaf_children():
        starter = threading.Thread(target=child.start) if in_a_thread else None
        if starter:
            starter.start()
            starter.join()
        else:
            child.start()
    child.join()
    assert child.exitcode == 1


def test_ctrl_c_is_heard_when_the_block_is_over():
    reached = False
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - where it is raised is what is tested
        with process.deaf_children():
            signal.pthread_kill(threading.get_ident(), signal.SIGINT)  # other threads of the tests would hear it
            reached = True
        pytest.fail("it was not heard")
    assert reached


@pytest.mark.parametrize("how", ["os.kill(os.getpid(), signal.SIGKILL)", "pass"])
def test_another_process_ends_with_us(how):
    code = f"""
import os, signal, subprocess
from data.process import end_with_us
other = subprocess.Popen(["sleep", "600"])
end_with_us(other.pid)
print(other.pid, flush=True)
{how}
"""
    # the sleeper has our end of the pipe until it ends
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, cwd=ROOT, check=False)
    assert int(done.stdout) > 0
