"""What each worker of a training did, round by round: for the log, the progress artifact, the history, the manifest.

A history has it flat, in each round of several workers, part by part: `worker_0` is the address of whoever trained part
0, and `worker_0_words`, `worker_0_seconds`, `worker_0_loss` what that came to; beside them `merging`, in seconds, and
`lost`, what went wrong in that round and was mended.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from algorithms.training import Round, Share

COLUMNS = ("words", "seconds", "loss")
SPACE = "&emsp;"  # Prefect's newer pages set the columns of a table without any


def line(each: Round) -> str:
    """The workers of a round in a line of the log, as wide in the next round."""
    shares = by_worker(each.shares)
    names = short(share.worker for share in shares)
    told = (f"{names[share.worker]} {rate(share)} {_loss(share):.4f}" for share in shares)
    return f"merging {_merging(each)}; words/s and loss: {' | '.join(told)}"


def markdown(each: Round, *, dashboard: str = "") -> str:
    """The workers of a round as a table, and where one sees more of them."""
    shares = by_worker(each.shares)
    names = short(share.worker for share in shares)
    cells = [["worker", "words/s", "loss", "words", "seconds"]]
    for share in shares:
        done = [f"{_loss(share):.4f}", f"{share.words:,}", f"{share.seconds:.2f}"]
        cells.append([names[share.worker], rate(share).strip(), *done])
    cells.append(["merging", "", "", "", f"{each.merging:.2f}"])
    rows = [f"| {f'{SPACE} | '.join(row)} |" for row in cells]
    lines = [rows[0], f"|{' --- |' * len(cells[0])}", *rows[1:]]
    lines += [f"\nIn this round {loss}; others trained its part again." for loss in each.lost]
    if dashboard:
        lines.append(f"\n[Dask's dashboard]({dashboard})")
    return "\n".join(lines)


def entry(each: Round) -> dict[str, Any]:
    """What the history has of the workers of a round; nothing of a single one."""
    if len(each.shares) < 2:
        return {}
    found: dict[str, Any] = {"merging": each.merging}
    for number, share in enumerate(each.shares):
        found[f"worker_{number}"] = share.worker
        told = (share.words, share.seconds, _loss(share))
        found |= {f"worker_{number}_{name}": value for name, value in zip(COLUMNS, told, strict=True)}
    return found | ({"lost": list(each.lost)} if each.lost else {})


def parts(entry: Mapping[str, Any]) -> int:
    """Into how many parts a round of the history was cut."""
    return max(1, sum(f"worker_{number}" in entry for number in range(len(entry))))


def of_round(entry: Mapping[str, Any]) -> dict[str, tuple[int, float]]:
    """Of each worker of a round in the history, by its address, the words and the seconds."""
    found: dict[str, tuple[int, float]] = {}
    number = 0
    while address := entry.get(f"worker_{number}"):
        words, seconds = found.get(address, (0, 0.0))
        found[address] = words + entry[f"worker_{number}_words"], seconds + entry[f"worker_{number}_seconds"]
        number += 1
    return found


def summary(history: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What the manifest says of the workers; None where there was one alone.

    merging: the share of the time that it took; lost: what went wrong and was mended, with its round.
    """
    shared = [entry for entry in history if "merging" in entry]
    if not shared:
        return None
    totals: dict[str, tuple[int, int, float]] = {}
    for rounds in shared:
        for address, (words, seconds) in of_round(rounds).items():
            before = totals.get(address, (0, 0, 0.0))
            totals[address] = before[0] + 1, before[1] + words, before[2] + seconds
    return {
        "merging": sum(entry["merging"] for entry in shared) / sum(entry["seconds"] for entry in shared),
        "workers": [
            {
                "worker": address,
                "rounds": rounds,
                "words": words,
                "seconds": seconds,
                "words_per_second": words / seconds if seconds else 0.0,
            }
            for address, (rounds, words, seconds) in totals.items()
        ],
        "lost": [{"round": entry["round"], "what": what} for entry in shared for what in entry.get("lost", [])],
    }


def by_worker(shares: Iterable[Share]) -> list[Share]:
    """Shares of the same worker, who has taken over that of a lost one, as one."""
    found: dict[str, Share] = {}
    for each in shares:
        share, old = each, found.get(each.worker)
        if old is not None:
            share = Share(
                share.worker,
                old.words + share.words,
                old.examples + share.examples,
                old.loss + share.loss,
                old.seconds + share.seconds,
            )
        found[share.worker] = share
    return list(found.values())


def short(addresses: Iterable[str]) -> dict[str, str]:
    """Names that tell workers apart: the port on a single machine, else the machine, where each has one alone."""
    full = {address: address.partition("://")[2] or address for address in addresses}
    hosts = {address: name.rpartition(":")[0] for address, name in full.items()}
    machines = len(set(hosts.values()))
    if len(full) < 2 or not all(hosts.values()) or 1 < machines < len(full):
        names = full
    elif machines == 1:
        names = {address: name.removeprefix(hosts[address]) for address, name in full.items()}
    else:
        names = hosts
    width = max(map(len, names.values()), default=0)
    return {address: f"{name:<{width}}" for address, name in names.items()}


def rate(share: Share) -> str:
    """Words per second with three digits, six letters wide: "8.10 M"."""
    value = share.words / share.seconds if share.seconds else 0.0
    factor, unit = next(((f, u) for f, u in ((1e6, "M"), (1e3, "k")) if value >= 0.9995 * f), (1.0, " "))
    return f"{format(value / factor, '#.3g').rstrip('.'):>4} {unit}" if value >= 0.5 else "   0  "


def _loss(share: Share) -> float:
    return share.loss / max(share.examples, 1)


def _merging(each: Round) -> str:
    return f"{each.merging:.3f} s ({each.merging / each.seconds:3.0%})"
