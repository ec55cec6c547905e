"""Work in processes of one's own, on all cores: `each`. It knows functions and pickles, not what the work is.

They are plain subprocesses, and not a multiprocessing pool: a spawned worker would import the caller's `__main__` first
(the command line with all of Prefect: seconds each), and inside a Dask worker, which is a daemon, no pool may start.
"""

import os
import pickle
import subprocess
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from data.process import deaf_children

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 2  # items that wait for each process

_ROOT = str(Path(__file__).parent.parent)
_START = "import sys; sys.path.insert(0, sys.argv[1]); from data.apart import serve; serve()"
_Process = subprocess.Popen[bytes]


def each(work: Callable[[Item], Result], items: Iterable[Item], *, processes: int) -> Iterator[Result]:
    """`work` on each item, in that many processes; results in the order of the items, which are read a few ahead.

    work: what pickle can name, such as a function of a module; its module is imported anew in each process, so it
    should import little. What it raises is raised here. One process is this one.
    """
    if processes <= 1:
        yield from map(work, items)
        return
    # -P: files in the current folder are not the standard library's; numpy's own threads would only get in the way
    command = [sys.executable, "-P", "-c", _START, _ROOT]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    started: list[_Process] = []
    idle: SimpleQueue[_Process] = SimpleQueue()

    def ask(item: Item) -> Result:
        process = idle.get()
        result: Result = _ask(process, item)
        idle.put(process)
        return result

    threads = ThreadPoolExecutor(processes)
    try:
        with deaf_children():  # Ctrl-C is ours to hear; each process would tell of it with a traceback
            while len(started) < processes:
                started.append(_Process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment))
        for process in started:
            _send(process, work)
            idle.put(process)
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(threads.submit(ask, item))
            if len(waiting) > AHEAD * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for process in started:
            process.kill()
        threads.shutdown(cancel_futures=True)
        for process in started:
            process.communicate()


def serve() -> None:
    """A process: pickled items come in on standard input, pickled results go out on standard output."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the work prints is no answer
    work = pickle.load(sys.stdin.buffer)
    while True:
        try:
            item = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        answer = _answer(work, item)
        sys.stdout.flush()
        answers.write(answer)
        answers.flush()


def _answer(work: Callable[[Any], Any], item: object) -> bytes:
    try:
        return pickle.dumps((work(item), None), pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        try:
            answer = pickle.dumps((None, error))
            pickle.loads(answer)  # some can be written and not read
        except Exception:
            return pickle.dumps((None, RuntimeError("".join(traceback.format_exception(error)))))
        return answer


def _send(process: _Process, value: object) -> None:
    assert process.stdin
    pickle.dump(value, process.stdin, pickle.HIGHEST_PROTOCOL)
    process.stdin.flush()


def _ask(process: _Process, item: object) -> Any:
    assert process.stdout
    try:
        _send(process, item)
        result, error = pickle.load(process.stdout)
    except (OSError, EOFError, pickle.UnpicklingError):
        raise ChildProcessError(f"a process ended with {process.wait()}; was there enough memory?") from None
    if error:
        raise error
    return result
