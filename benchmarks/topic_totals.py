"""20 Newsgroups from raw messages on: the counts that all models share, and what whole runs take.

Ours is the command as a user gives it: Prefect's server, stages, publishing and the report; nothing is there before it.
"""

import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from benchmarks import topic_models
from benchmarks.harness import Figures, alone
from data import apart, bags, messages

TOPICS, VOCABULARY, THRESHOLD = 20, 2000, 25


def prepared(folder: Path, *, every: int, threads: int) -> str:
    """The counts that all share, as the flow's stage makes them; returns their folder."""
    from algorithms.topics.counts import Counting, count
    from benchmarks.topic_counts import _chosen, _source

    work = partial(bags.count, trained=True, strip=messages.PARTS)
    form = Counting(lemmatizer="wordnet", vocabulary_size=VOCABULARY, threshold=THRESHOLD)
    found = count(apart.each(work, _chosen(_source(), every), processes=threads), folder, form, seed=1)
    found.counts.save(str(folder))
    return str(folder)


def raw(folder: Path, threads: int) -> Figures:
    """Seconds from raw messages on: of our whole command, and of the recipe, which gives counts alone."""
    from benchmarks.topic_counts import _source

    recipe = alone("benchmarks.topic_counts", "recipe", threads=threads, every=1, seed=1)
    settings = {"decoder": "prodlda", **topic_models.ADAM, "num_topics": TOPICS, "lemmatizer": "wordnet"}
    settings |= {"vocabulary_size": VOCABULARY, "threshold": THRESHOLD, "threads": threads}
    settings |= {"train": _source().urls[0], "output": folder / "published"}
    command = [sys.executable, "-m", "flows.cli", "topics", "--json"]
    command += [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    places = {"EMBERTEXT_CACHE": str(folder / "cache"), "PREFECT_HOME": str(folder / "prefect")}
    begun = time.perf_counter()
    done = subprocess.run(command, env=os.environ | places, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"embertext topics failed:\n{done.stderr[-2000:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    return {"recipe": recipe["seconds"], "command": seconds, "stages": told["seconds"]}
