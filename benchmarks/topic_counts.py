"""From raw messages to counts, against the recipe of SageMaker's NTM notebook: documents a second, the same rows.

    python -m benchmarks.topic_counts [--json] [--seeds 3] [--threads 2] [--every 1]

20 Newsgroups, train and test joined, one `.tar.xz` of raw messages. Time runs from opening it to float32 rows, shuffled
and split; ours are then on disk as RecordIO-protobuf shards, the recipe's in memory. Imports are not counted, starting
our processes is. The recipe runs as it is written: scikit-learn's `strip_newsgroup_*`, nltk's `word_tokenize` and
`WordNetLemmatizer`, `CountVectorizer`; it needs nltk's data packages wordnet and punkt_tab (NLTK_DATA). `--every 40`
takes every fortieth message.
"""

import hashlib
import itertools
import re
import statistics
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import harness
from benchmarks.harness import Figures, Floor, alone, answer, spread
from data import apart, bags, lemmatizer, messages, sources
from data.batches import batches
from data.errors import CorpusError
from data.sources import Source

OURS, PEER = "embertext", "recipe"
FASTER = 10.0  # times the recipe's documents a second
VOCABULARY, THRESHOLD = 2000, 25


def main() -> None:
    parser = harness.arguments(__doc__ or "", seeds=3)
    parser.add_argument("--every", type=int, default=1, help="take one of so many messages")
    options = parser.parse_args()
    try:
        lemmatizer.check("wordnet")
    except CorpusError as error:
        raise SystemExit(f"{error}") from error
    runs: dict[str, list[Figures]] = {}
    # seeds outside, systems inside: a machine that slows down does so for everyone
    for seed in range(1, options.seeds + 1):
        for system in (PEER, OURS):
            run = alone("benchmarks.topic_counts", system, threads=options.threads, every=options.every, seed=seed)
            runs.setdefault(system, []).append(
                {name: run[name] for name in run if name not in ("stderr", "seconds_to")}
            )
            print(f"seed {seed}  {system:<10} {_speed(run):8,.0f} documents/s", flush=True)
    print()
    harness.table(
        "From messages to counts, median (range)", ["system", "documents/s", "documents", "kept"], _rows(runs)
    )
    harness.conclude("topic_counts", {"runs": runs}, _floors(runs), as_json=options.json)


def ours(*, threads: int, every: int, seed: int) -> Figures:
    """As the flow's stage prepares them."""
    from algorithms.topics.counts import Counting, count, read

    with tempfile.TemporaryDirectory() as folder:
        little = ["apple pear"] * 2 + ["plum cherry"] * 2  # have the kernels ready
        count([bags.count(little, trained=False)], Path(folder), Counting(threshold=0), seed=1)
        begun = time.perf_counter()
        texts = _chosen(_source(), every)
        form = Counting(lemmatizer="wordnet", vocabulary_size=VOCABULARY, threshold=THRESHOLD)
        work = partial(bags.count, trained=True, strip=messages.PARTS)
        counted = count(apart.each(work, texts, processes=threads), Path(folder), form, seed=seed)
        seconds = time.perf_counter() - begun
        rows = [read(url) for channel in counted.counts.channels.values() for url in channel.files]
        return _figures(seconds, counted.documents, counted.counts.vocabulary, rows)


def recipe(*, threads: int, every: int, seed: int) -> Figures:
    """The notebook's cells. It uses one core, however many `threads` there are."""
    from nltk import word_tokenize
    from nltk.stem import WordNetLemmatizer
    from scipy import sparse
    from sklearn.datasets._twenty_newsgroups import (
        strip_newsgroup_footer,
        strip_newsgroup_header,
        strip_newsgroup_quoting,
    )
    from sklearn.feature_extraction.text import CountVectorizer

    token_pattern = re.compile(r"(?u)\b\w\w+\b")

    class LemmaTokenizer:
        def __init__(self) -> None:
            self.wnl = WordNetLemmatizer()

        def __call__(self, doc: str) -> list[str]:
            return [
                self.wnl.lemmatize(t)
                for t in word_tokenize(doc)
                if len(t) >= 2 and re.match("[a-z].*", t) and re.match(token_pattern, t)
            ]

    warnings.simplefilter("ignore")  # scikit-learn: stop words that the tokeniser never gives
    begun = time.perf_counter()
    texts = itertools.chain.from_iterable(_chosen(_source(), every))
    data = [strip_newsgroup_footer(strip_newsgroup_quoting(strip_newsgroup_header(text))) for text in texts]
    vectorizer = CountVectorizer(
        input="content", analyzer="word", stop_words="english", tokenizer=LemmaTokenizer(), max_features=VOCABULARY,
        max_df=0.95, min_df=2,
    )  # fmt: skip
    vectors = vectorizer.fit_transform(data)
    vectors = vectors[np.random.default_rng(seed).permutation(vectors.shape[0])]
    vectors = vectors[np.asarray(vectors.sum(axis=1) > THRESHOLD).reshape(-1)]
    vectors = sparse.csr_matrix(vectors, dtype=np.float32)
    first, last = int(0.8 * vectors.shape[0]), int(0.9 * vectors.shape[0])
    parts = [vectors[:first], vectors[first:last], vectors[last:]]
    seconds = time.perf_counter() - begun
    return _figures(seconds, len(data), vectorizer.get_feature_names_out().tolist(), parts)


def _source() -> Source:
    """Both halves of the archive: the name stands for the first."""
    source = sources.find("20newsgroups", cache=Path(tempfile.gettempdir()) / "embertext-benchmark")
    return source.model_copy(update={"member": ""})


def _chosen(source: Source, every: int) -> Iterator[list[str]]:
    first = 0
    for batch in batches(source):
        yield batch.texts[-first % every :: every]
        first += len(batch.texts)


def _figures(seconds: float, documents: int, vocabulary: list[str], parts: Sequence[Any]) -> Figures:
    """`same` is the same where the words and the rows are, in whatever order the rows stand."""
    rows = []
    for part in parts:
        part.sort_indices()
        for start, end in itertools.pairwise(part.indptr.tolist()):
            row = part.indices[start:end].astype(np.int64).tobytes() + part.data[start:end].tobytes()
            rows.append(hashlib.sha256(row).digest())
    same = hashlib.sha256("\n".join(vocabulary).encode() + b"".join(sorted(rows))).hexdigest()
    return {"seconds": seconds, "documents": documents, "kept": len(rows), "same": same}


def _speed(run: Figures) -> float:
    return float(run["documents"] / run["seconds"])


def _rows(runs: dict[str, list[Figures]]) -> list[list[str]]:
    return [
        [name, spread([_speed(run) for run in of]), f"{of[0]['documents']:,}", f"{of[0]['kept']:,}"]
        for name, of in runs.items()
    ]


def _floors(runs: dict[str, list[Figures]]) -> list[Floor]:
    ours, theirs = (statistics.median(map(_speed, runs[name])) for name in (OURS, PEER))
    same = all(run["same"] == runs[PEER][0]["same"] for of in runs.values() for run in of)
    return [
        Floor(f"documents/s over the {PEER}'s", ours / theirs, FASTER),
        Floor(f"rows and words equal the {PEER}'s (1: yes)", float(same), 1.0),
    ]


SYSTEMS = {OURS: ours, PEER: recipe}


if __name__ == "__main__" and not answer(SYSTEMS):
    main()
