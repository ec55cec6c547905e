"""The endpoint beside a plain FastAPI handler around gensim, fastText or torch; its memory, its start; batch transform.

    python -m benchmarks.endpoint [--json] [--quick] [--rounds 5] [--seconds 1] [--requests 100000]
                                  [--only answers memory start transform]

    answers    requests a second and their latency at 1, 8 and 64 clients, ours (`embertext serve`) and the plain
               handler's (`benchmarks/plain_endpoint.py`), both uvicorn in one process, with the same model: in turns,
               so that noise hits both. Before that, each answers the same requests, and the answers have to agree
    memory     all four models in one server, every kind of request in turn; each answer has to be the first one's
    start      from the shell's command, and a model.tar.gz that it has to unpack, to the first answer
    transform  rows a second of batch transform's stages, and of one client that asks the endpoint row by row

Servers have one core, who asks (`benchmarks/load.py`) has another. `benchmarks/hosted_models.py` says what is hosted.
`--quick` is for tests: small models, no time to measure anything. About five minutes on two cores.
"""

import argparse

from benchmarks import endpoint_answers, endpoint_transform, harness, hosted_models
from benchmarks.endpoint_process import COLD_RUNS, memory, memory_floors, start, start_floor
from benchmarks.endpoint_transform import batches, transform
from benchmarks.harness import Figures, Floor

PARTS = ("answers", "memory", "start", "transform")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON: the figures and falls_short")
    parser.add_argument("--quick", action="store_true", help="small models and hardly any requests, for tests")
    parser.add_argument("--rounds", type=int, default=5, help="loads of each system")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each load")
    parser.add_argument("--requests", type=int, default=100_000, help="that memory has to be flat over")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts, instead of all")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds, options.requests = 1, 0.05, 200
    sizes = hosted_models.SMALL if options.quick else hosted_models.SIZES
    root = hosted_models.made(sizes)
    cases = hosted_models.cases(root, sizes)
    figures, reached = Figures(), list[Floor]()
    if "answers" in options.only:
        rows = endpoint_answers.answers(root, cases, rounds=options.rounds, seconds=options.seconds)
        endpoint_answers.table(rows)
        figures["answers"] = [
            {"case": row.case, "clients": row.clients, "faster": row.faster}
            | {system: row.figures(system) for system in row.loads}
            for row in rows
        ]
        reached += endpoint_answers.floors(rows)
    if "memory" in options.only:
        figures["memory"] = found = memory(root, cases, requests=options.requests)
        reached += memory_floors(found)
    if "start" in options.only:
        figures["start"] = found = start(root, runs=1 if options.quick else COLD_RUNS)
        reached.append(start_floor(found))
    if "transform" in options.only:
        figures["transform"] = {
            name: transform(model, lines, rounds=options.rounds, seconds=options.seconds)
            for name, (model, lines) in batches(root, sizes).items()
        }
        reached += endpoint_transform.floors(figures["transform"])
    _tell(figures)
    harness.conclude("endpoint", figures, reached, as_json=options.json)


def _tell(figures: Figures) -> None:
    if memory := figures.get("memory"):
        print(
            f"memory: {memory['at_start']:,.0f} MB at the start, {memory['after_a_tenth']:,.0f} after a tenth of"
            f" {memory['requests']:,} requests, {memory['after_all']:,.0f} after all; {memory['errors']} errors"
        )
    if start := figures.get("start"):
        print(
            f"start: {start['seconds']:.2f} s, of which Python {start['python']:.2f}, imports"
            f" {start['imports'] - start['python']:.2f}, the archive and all else"
            f" {start['seconds'] - start['imports']:.2f}; runs {', '.join(f'{each:.2f}' for each in start['runs'])}"
        )
    for name, batch in figures.get("transform", {}).items():
        rounds = ", ".join(f"{each:,.0f}/{by_row:,.0f}" for each, by_row in batch["rounds"])
        print(
            f"transform, {name}, {batch['rows']:,} rows: {batch['batch']:,.0f} rows/s, row by row"
            f" {batch['row_by_row']:,.0f}; rounds {rounds}"
        )
    print()


if __name__ == "__main__":
    main()
