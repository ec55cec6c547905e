"""Word2Vec against fastText and gensim: speed, quality, and how near the machine's limits the kernel comes.

    python -m benchmarks.word2vec [--json] [--seeds 3] [--epochs 5] [--modes cbow ...]

Wikipedia in text8's form (dim 100, window 5, negative 5, threshold 1e-4, min_count 5), training time alone, the same
text and threads for everyone, each run in a process of its own. Words are those of the vocabulary, thinned ones too.
About three quarters of an hour on two cores.
"""

import statistics

from benchmarks import harness, peaks, peers
from benchmarks.harness import Figures, Floor, alone, less_the_spread, spread

# ours -> the peer it is measured against, and how many times its speed it must reach
MODES = {
    "batch_skipgram": ("fasttext skipgram", 12.0),
    "skipgram": ("fasttext skipgram", 4.0),
    "cbow": ("fasttext cbow", 1.8),
    "skipgram subwords": ("fasttext skipgram subwords", 4.0),
}
ONCE = ("gensim skipgram", "gensim cbow")  # for orientation: no floor is measured against them


def main() -> None:
    parser = harness.arguments(__doc__ or "", seeds=3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES), help="ours to run, with their peers")
    options = parser.parse_args()
    wanted = {*options.modes, *(MODES[mode][0] for mode in options.modes)}
    systems = [name for name in peers.SYSTEMS if name in wanted or options.modes == list(MODES)]
    text = str(harness.plain_text("text8"))
    runs: dict[str, list[Figures]] = {}
    # seeds outside, systems inside: a machine that slows down does so for everyone
    for seed in range(1, options.seeds + 1):
        for system in systems:
            if seed > 1 and system in ONCE:
                continue
            settings = {"text": text, "threads": options.threads, "epochs": options.epochs, "seed": seed}
            run = peers.completed(system, alone("benchmarks.peers", system, **settings) | settings)
            runs.setdefault(system, []).append(run)
            print(
                f"seed {seed}  {system:<28} {run['words_per_second'] / 1e6:6.2f} M words/s"
                f"  mean_rho {run['mean_rho']:.4f}  analogies {run['analogies']:.4f}",
                flush=True,
            )
    print()
    _systems(runs)
    figures: Figures = {"systems": {name: [_short(run) for run in of] for name, of in runs.items()}}
    if "batch_skipgram" in runs:
        limits = alone("benchmarks.peaks", "limits", text=text, threads=options.threads)
        _limits(limits, runs)
        figures["limits"] = _short(limits)
    harness.conclude("word2vec", figures, _floors(runs), as_json=options.json)


def _short(run: Figures) -> Figures:
    return {name: value for name, value in run.items() if name not in ("stderr", "seconds_to", "text")}


def _speed(runs: list[Figures]) -> float:
    return float(statistics.median(run["words_per_second"] for run in runs))


def _reading(runs: list[Figures]) -> float:
    return float(statistics.median(run["reading"] for run in runs))


def _systems(runs: dict[str, list[Figures]]) -> None:
    rows = []
    for name, of in runs.items():
        peer = MODES[name][0] if name in MODES else ""
        rows.append(
            (
                name,
                f"{_speed(of) / 1e6:.2f}",
                f"{_speed(of) / _speed(runs[peer]):.1f}x" if peer else "",
                f"{_reading(of):.2f}",
                f"{max(run['peak_memory'] for run in of) / 1e6:,.0f}",
                *(spread([run[metric] for run in of]) for metric in ("mean_rho", "analogies")),
            )
        )
    columns = ["system", "M words/s", "over fastText", "reading, s", "memory, MB", "mean_rho", "analogies"]
    harness.table("Word2Vec, median (range) over seeds", columns, rows)


def _limits(limits: Figures, runs: dict[str, list[Figures]]) -> None:
    flops = _speed(runs["batch_skipgram"]) * limits["flop_per_word"]
    moved = _speed(runs["batch_skipgram"]) * limits["bytes_per_word"]
    harness.table(
        "batch_skipgram and the machine",
        ["", "the kernel", "the machine", "share"],
        [
            (name, f"{ours / 1e9:.1f}", f"{peak / 1e9:.1f}", f"{ours / peak:.0%}")
            for name, ours, peak in (
                ("GFLOP/s, against a large sgemm", flops, limits["flops"]),
                ("GB/s, against a large copy", moved, limits["copy"]),
            )
        ],
    )
    print(peaks.verdict(limits), end="\n\n")


def _floors(runs: dict[str, list[Figures]]) -> list[Floor]:
    floors = []
    modes = {mode: floor for mode, floor in MODES.items() if mode in runs}
    for mode, (peer, least) in modes.items():
        floors.append(Floor(f"{mode}: words/s over {peer}", _speed(runs[mode]) / _speed(runs[peer]), least))
    for mode, (peer, _) in modes.items():
        for metric in ("mean_rho", "analogies"):
            reached, theirs = ([run[metric] for run in runs[name]] for name in (mode, peer))
            name = f"{mode}: {metric}, {peer}'s less the spread"
            floors.append(Floor(name, statistics.mean(reached), less_the_spread(reached, theirs)))
    by_us = [run for mode in modes for run in runs[mode]]
    by_peers = [run for peer, _ in modes.values() for run in runs[peer]]
    faster = _reading(by_peers) / _reading(by_us)
    return [*floors, Floor("counting and encoding over fastText's reading", faster, 1.0)]


if __name__ == "__main__":
    main()
