"""A vocabulary of 200,000 words within the memory that algorithms/topics/README.md states."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

STATUS = Path("/proc/self/status")
DOCUMENTS, WORDS, TOPICS, THREADS = 3000, 200_000, 20, 1
OTHER = 32 << 20  # mini-batches, and what an allocator keeps

PROGRAM = f"""
import json, sys
from pathlib import Path
import numpy as np
from algorithms.topics import network
from algorithms.topics.algorithm import Topics
from algorithms.optimizers import OPTIMIZERS
from tests.algorithms.topics.documents import InMemory, scattered

def held(which):
    lines = Path("{STATUS}").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(which)).split()[1]) << 10

def run(rows, form):
    state = form.init(InMemory(rows), seed=1)
    numbers = sum(state[name].size for name in network.parameters(form, state))
    state = form.update(state, [rows], span=None, threads={THREADS}, seed=1, alone=True).state
    form.evaluate(state, rows)
    form.infer(state, rows)
    return numbers

form = Topics(decoder=sys.argv[1], num_topics={TOPICS}, sub_sample=0.1)
run(scattered(300, 100, length=60), form)
rows = scattered({DOCUMENTS}, {WORDS}, length=60)
before = held("VmRSS")
numbers = run(rows, form)
slots = len(OPTIMIZERS[form.optimizer].slots)
print(json.dumps([held("VmHWM") - before, numbers, slots]))
"""


@pytest.mark.skipif(not STATUS.exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("decoder", ["ntm", "prodlda", "etm"])
def test_a_large_vocabulary(decoder):
    root = Path(__file__).parents[3]
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, decoder], cwd=root, capture_output=True, text=True, check=False, timeout=300
    )
    assert run.returncode == 0, run.stderr
    peak, numbers, slots = json.loads(run.stdout)
    bound = 4 * (numbers * (2 + slots) + WORDS * (6 * TOPICS + 32 * THREADS)) + OTHER
    assert peak < bound
    assert peak < DOCUMENTS * WORDS * 4 / 3  # documents as rows of numbers would alone be thrice that
    assert peak > bound / 2  # else the bound says nothing
