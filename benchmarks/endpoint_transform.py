"""Rows a second of batch transform's stages, and of one client that asks the endpoint row by row."""

import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from algorithms.answers import JSON_LINES
from benchmarks import harness, hosted_models
from benchmarks.harness import Figures, Floor, alone
from benchmarks.hosted_models import ARCHIVE, Sizes
from benchmarks.load import ask, load, request
from benchmarks.servers import WARM, asking, ours, serving

FILE = 10_000  # rows of a file that batch transform reads
TRANSFORM = 20.0  # times the rows of who asks row by row


def batches(root: Path, sizes: Sizes) -> dict[str, tuple[str, list[bytes]]]:
    """By name, which model and which lines batch transform is to answer: any rows, over and over."""
    kinds = {"text_classification": hosted_models.sentences(), "word2vec": hosted_models.vocabulary(root)}
    return {
        algorithm: (
            str(root / algorithm / ARCHIVE),
            [orjson.dumps({"source": texts[number % len(texts)]}) + b"\n" for number in range(sizes.rows)],
        )
        for algorithm, texts in kinds.items()
    }


def transform(model: str, lines: Sequence[bytes], *, rounds: int, seconds: float) -> Figures:
    """Rows a second by batch transform, and by a client that sends one, and waits; in turns.

    rounds: both, of each; batch, row_by_row: their medians.
    """
    requests = [request("/invocations", line, content_type=JSON_LINES) for line in lines[:5000]]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        data, output = Path(folder, "in"), Path(folder, "out")
        data.mkdir()
        for number in range(0, len(lines), FILE):
            (data / f"{number:07}.jsonl").write_bytes(b"".join(lines[number : number + FILE]))
        for _ in range(rounds):
            with asking() as cores, serving(ours(model), requests[0], cores=cores) as server:
                load(server.port, requests, clients=1, seconds=min(WARM, seconds))
                by_row = load(server.port, requests, clients=1, seconds=seconds)
                expected = list(ask(server.port, requests[:100]))
            batch = alone(__name__, "transform", model=model, data=str(data), output=str(output))
            told = (output / "0000000.jsonl.out").read_bytes().splitlines(keepends=True)
            if batch["rows"] != len(lines) or told[: len(expected)] != expected or by_row.errors:
                raise SystemExit("batch transform has other answers than the endpoint")
            found.append((len(lines) / batch["seconds"], by_row.rate))
            shutil.rmtree(output)
    medians = [statistics.median(rates) for rates in zip(*found, strict=True)]
    return {"rows": len(lines), "batch": medians[0], "row_by_row": medians[1], "rounds": found}


def _transformed(model: str, data: str, output: str) -> Figures:
    """The stages of the flow, as this process computes them, without the Prefect server around them."""
    import logging

    from flows.hosted import hosted
    from tasks.train import machines
    from tasks.transform.answer import Model
    from tasks.transform.conclude import conclude
    from tasks.transform.plan import how, plan
    from tasks.transform.run import run

    logging.disable()
    settings = how(output=output, accept="", strategy="MultiRecord", max_payload=6, max_errors=0)
    begun = time.perf_counter()
    planned = plan.fn(model, data, settings, content_type="", reuse=False)
    hosting = Model(model, planned.model, hosted)
    ran = run.fn(planned, hosting, settings, machines=machines(threads=0, workers=0, scheduler=""))
    conclude.fn(planned, ran, hosting, settings)
    return {"seconds": time.perf_counter() - begun, "rows": ran.rows}


def floors(found: Figures) -> Iterator[Floor]:
    """How many times as fast as row by row, by the model."""
    for name, of in found.items():
        yield Floor(f"transform, {name}: rows/s over row by row", of["batch"] / of["row_by_row"], TRANSFORM)


SYSTEMS = {"transform": _transformed}


if __name__ == "__main__":
    harness.answer(SYSTEMS)
