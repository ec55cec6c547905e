"""A training in a process of its own, to be killed: `python -m tests.driver <corpus> <workers> <scheduler> <pause>`.

Says on stdout what each round came to, and ends with the URL of what it left, or the error and whether the network is
to blame for it. Checkpoints are written after every round. pause: seconds after every round.
"""

import logging
import sys
import time

from algorithms.word2vec.algorithm import Word2Vec
from data.errors import EmbertextError
from tasks import checkpoints, stages
from tasks.ingest import ingest
from tasks.network import network_failed
from tasks.train import machines
from tasks.word2vec.text import prepare
from tasks.word2vec.train import learn

FORM = Word2Vec(vector_dim=8, epochs=60, min_count=1, evaluation=False)


class Slowly(logging.StreamHandler):
    """A log that takes its time over each round."""

    def __init__(self, pause: float) -> None:
        super().__init__(sys.stdout)
        self.pause = pause

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        if record.getMessage().startswith("round"):
            time.sleep(self.pause)


def main(corpus: str, workers: str, scheduler: str, pause: str) -> None:
    logging.basicConfig(level=logging.INFO, handlers=[Slowly(float(pause))], format="%(message)s", force=True)
    for noisy in ("distributed", "prefect.task_engine", "httpx"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    checkpoints.LEAST = checkpoints.SPARING = 0.0
    with stages.work_folder() as work:
        prepared = prepare.fn(ingest.fn(corpus), tokenizer="auto", min_count=1, work=work)
        prepared = getattr(prepared, "data", prepared)  # where an earlier run has prepared it
        where = machines(threads=1, workers=int(workers), scheduler=scheduler)
        try:
            trained = learn.fn(prepared, FORM, machines=where, seed=1)
        except EmbertextError as error:
            print("failed", network_failed(error), error, flush=True)
            raise SystemExit(3) from None
        print("left", trained.url, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
