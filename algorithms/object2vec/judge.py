"""What a trained model is worth: pairs told apart, texts found among thousands, mistakes to look at.

Knows a state and prepared pairs; no files of its own, no clock.
"""

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from algorithms import accuracy, metrics, retrieval
from algorithms.correlation import pearson, spearman
from algorithms.object2vec.matcher import names
from algorithms.object2vec.minibatch import Pool, pool
from algorithms.object2vec.sampling import Keys, draw, positive_keys
from algorithms.state import State
from data.pairs import PAD, Batch, Pairs, Sequences, Shards

if TYPE_CHECKING:
    from algorithms.object2vec.algorithm import Object2Vec

SAMPLE = 2000  # training pairs that are judged
MOST = 10_000  # texts among which others are found, and that are looked for
BINS = 25  # of the chance that a pair belongs together
POINTS = 1000  # of graded pairs, in a picture
SHOWN, NEAREST = 8, 3  # texts that were looked for, and what was found first
MISTAKES = 12
TEXT = 60  # words of a text that are shown
MAPPED, LABEL = 60, 26  # pairs on a map; characters of what is written there
KNOWN, WORDS, NEIGHBOURS = 10_000, 8, 6  # frequent words, those whose neighbours are shown, and how many of each
NOTHING = np.zeros(0, np.uint64)
RULE = re.compile(r"([^\w\s])\1{3,}")  # a line drawn with one character

Numbers = NDArray[np.int64]


class Judge:
    """ids: of the words of in0 and of in1, empty where nobody has said them."""

    def __init__(self, form: "Object2Vec", state: State, *, ids: tuple[Mapping[str, int], Mapping[str, int]]) -> None:
        self.form, self.state = form, state
        self.longest = form.encoders[0].max_seq_len, form.encoders[1].max_seq_len
        self.words = bool(ids[0])
        tables = ("tokens_0", "tokens_0" if form.tied else "tokens_1")
        self.names = [names(known, len(state[table])) for known, table in zip(ids, tables, strict=True)]

    def whole(self, shards: Shards) -> Pool:
        """All pairs of a set."""
        return pool([piece.read() for piece in shards.all()], longest=self.longest, positives=NOTHING)

    def sample(self, pairs: Pairs, *, negatives: int, seed: int) -> Pool:
        """The first of the training pairs, which are in no order.

        Where all have the label 1, with as many others, of the label 0, as sets to be judged by get.
        """
        batches = [piece.read() for piece in pairs.train.slices(0, SAMPLE)]
        found = pool(batches, longest=self.longest, positives=NOTHING)
        batch = found.pairs
        if self.form.regression or not negatives or not np.all(batch.labels == 1):
            return found
        positives = positive_keys([batch], longest=self.longest)
        rng = np.random.default_rng(seed)
        first, second = draw(*found.keys, rate=negatives, positives=positives, rng=rng)
        every = np.arange(batch.size)
        in0, in1 = batch.in0.take(np.append(every, first)), batch.in1.take(np.append(every, second))
        labels = np.append(batch.labels, np.zeros(len(first), np.float32)).astype(np.float32)
        return pool([Batch(in0, in1, labels)], longest=self.longest, positives=NOTHING)

    def measure(self, pairs: Batch) -> dict[str, float]:
        """What `Object2Vec.evaluate` says, and of scores how they agree with the labels: pearson, spearman (-1..1)."""
        found = self.form.evaluate(self.state, pairs)
        if not self.form.regression:
            return found
        scores = self.form.scores(self.state, pairs)[:, 0]
        return {**found, "pearson": pearson(pairs.labels, scores), "spearman": spearman(pairs.labels, scores)}

    def look(self, pairs: Batch) -> dict[str, Any]:
        """What a person wants to see of pairs: of classes what `accuracy.judge` says, mistakes with their texts.

        chances: (2, BINS) how many pairs of the labels 0 and 1 have been given which chance to have the label 1; where
        there are these two alone. points: label and score of some pairs, where they are graded.
        """
        scores = self.form.scores(self.state, pairs)
        return self._graded(pairs, scores[:, 0]) if self.form.regression else self._classes(pairs, scores)

    def _graded(self, pairs: Batch, scores: NDArray[np.float32]) -> dict[str, Any]:
        labels = pairs.labels.astype(np.float64)
        worst = np.argsort(-np.abs(labels - scores), kind="stable")[:MISTAKES].tolist()
        rows = [{"true": float(labels[i]), "predicted": float(scores[i]), **self.texts(pairs, i)} for i in worst]
        return {"points": np.stack([labels, scores], axis=1)[:POINTS].tolist(), "mistakes": rows}

    def _classes(self, pairs: Batch, scores: NDArray[np.float32]) -> dict[str, Any]:
        order = np.argsort(-scores, axis=1, kind="stable").astype(np.int32)
        labels = pairs.labels.astype(np.int32)
        found = accuracy.judge(
            [str(label) for label in range(scores.shape[1])],
            starts=np.arange(len(labels) + 1),
            truth=labels,
            predicted=order,
            probabilities=np.take_along_axis(scores, order, axis=1),
        )
        for mistake in found["mistakes"]:
            mistake |= self.texts(pairs, mistake["example"])
        if scores.shape[1] == 2:
            found["chances"] = [
                np.histogram(scores[labels == label, 1], bins=BINS, range=(0, 1))[0].tolist() for label in (0, 1)
            ]
        return found

    def texts(self, pairs: Batch, number: int) -> dict[str, str]:
        """How the two sides of a pair begin."""
        sides = zip(("in0", "in1"), (pairs.in0, pairs.in1), (0, 1), strict=True)
        return {name: self.text(each.sequence(number), side) for name, each, side in sides}

    def text(self, ids: NDArray[np.int32], side: int) -> str:
        """How a sequence begins, in words where they are known; unknown words, any number of them, are an ellipsis."""
        shown: list[str] = []
        for each in ids[:TEXT].tolist():
            word = self.names[side][each] if each < len(self.names[side]) else str(each)
            word = "…" if self.words and word == PAD else word
            if word != "…" or shown[-1:] != ["…"]:
                shown.append(word)
        text = " ".join(shown) + (" …" if len(ids) > TEXT and shown[-1:] != ["…"] else "")
        return RULE.sub(r"\1\1\1", text)

    def retrieval(self, judged: Pool, others: Sequence[Shards], *, seed: int) -> dict[str, Any] | None:
        """How well in0 of pairs finds its in1 by cosine: hits@k (0-1), mean_rank, median_rank, queries, pool.

        Among the in1 of all pairs, and of `others` until they are `MOST`. As in SageMaker's notebook the encoder of in0
        reads both, where both are words; ids have a table for each side. curve: [k, hits@k]; found: a few of those
        looked for, from the best to the worst found. None where no pairs belong together, or there are no others.
        """
        pairs, keys = judged.pairs, judged.keys[1]
        positives = np.flatnonzero(pairs.labels == 1)
        if self.form.outputs != 2 or not positives.size:
            return None
        rng = np.random.default_rng(seed)
        asked = np.sort(rng.permutation(positives)[:MOST])
        texts, known = self._distinct(judged, asked, others)
        if len(known) < 2:
            return None
        side = 0 if self.words else 1
        queries = self.form.embed(self.state, pairs.in0.take(asked), side=0)
        embedded = self.form.embed(self.state, texts, side=side)
        order = np.argsort(known)
        truths = order[np.searchsorted(known[order], keys[asked])]
        found = retrieval.places(queries, embedded, truths)
        ks = np.unique(np.geomspace(1, len(known), 60).round().astype(int)).tolist()
        ranks = found.ranks
        chosen = np.linspace(0, len(ranks) - 1, min(SHOWN, len(ranks))).round().astype(int)
        shown = np.argsort(ranks, kind="stable")[chosen]
        return {
            **{f"hits@{k}": found.hits(k) for k in retrieval.HITS},
            "mean_rank": float(ranks.mean()),
            "median_rank": float(np.median(ranks)),
            "queries": len(asked),
            "pool": len(known),
            "curve": [[k, found.hits(k)] for k in ks],
            "found": [
                {"query": self.text(pairs.in0.sequence(asked[i]), 0), "rank": float(ranks[i])}
                | self._nearest(queries[i], embedded, texts, int(truths[i]))
                for i in shown.tolist()
            ],
        }

    def _distinct(self, judged: Pool, asked: Numbers, others: Sequence[Shards]) -> tuple[Sequences, Keys]:
        """The different in1: of the pairs that are asked for, of the other pairs judged, of other sets; and keys."""
        seen = set(judged.keys[1][asked].tolist())
        first = np.unique(judged.keys[1][asked], return_index=True)[1]
        taken = [judged.pairs.in1.take(asked[np.sort(first)])]
        keys = [judged.keys[1][asked[np.sort(first)]]]
        for each in (judged, *(self._first(shards) for shards in others)):
            room = MOST - len(seen)
            if room <= 0:
                break
            fresh, at = np.unique(each.keys[1], return_index=True)
            new = np.sort(at[~np.isin(fresh, np.concatenate(keys))])[:room]
            seen.update(each.keys[1][new].tolist())
            taken.append(each.pairs.in1.take(new))
            keys.append(each.keys[1][new])
        offsets = np.concatenate([[0], np.cumsum(np.concatenate([part.lengths for part in taken]))])
        return Sequences(np.concatenate([part.tokens for part in taken]), offsets), np.concatenate(keys)

    def _first(self, shards: Shards) -> Pool:
        return pool([piece.read() for piece in shards.slices(0, MOST)], longest=self.longest, positives=NOTHING)

    def _nearest(
        self, query: NDArray[np.float32], embedded: NDArray[np.float32], texts: Sequences, truth: int
    ) -> dict[str, Any]:
        cosines = metrics.unit(embedded) @ metrics.unit(query[None])[0]
        best = np.argsort(-cosines, kind="stable")[:NEAREST].tolist()

        def shown(place: int) -> dict[str, Any]:
            text = self.text(texts.sequence(place), 1)
            return {"text": text, "cosine": float(cosines[place]), "right": place == truth}

        return {"truth": shown(truth), "first": [shown(place) for place in best]}

    def mapped(self, judged: Pool, *, seed: int) -> tuple[list[str], NDArray[np.float32]] | None:
        """Some pairs that belong together: how their in0 begin, and the encodings of both sides, (2, P, enc_dim).

        As `retrieval` encodes them. None where no pairs belong together, or words are not known.
        """
        positives = np.flatnonzero(judged.pairs.labels == 1)
        if self.form.outputs != 2 or not self.words or not positives.size:
            return None
        different = positives[np.unique(judged.keys[1][positives], return_index=True)[1]]
        chosen = np.sort(np.random.default_rng(seed).permutation(different)[:MAPPED])
        sides = (judged.pairs.in0.take(chosen), judged.pairs.in1.take(chosen))
        labels = [
            textwrap.shorten(self.text(sides[0].sequence(i), 0), LABEL, placeholder=" …") for i in range(len(chosen))
        ]
        return labels, np.stack([self.form.embed(self.state, each, side=0) for each in sides])

    def neighbours(self) -> dict[str, list[tuple[str, float]]]:
        """The nearest words of some, by the cosines of in0's token vectors; nothing of ids."""
        if not self.words:
            return {}
        table: NDArray[np.float32] = np.asarray(self.state["tokens_0"], np.float32)[1:KNOWN]
        words = self.names[0][1:KNOWN]
        shown: list[str] = []
        skip = min(100, len(words) // 4)
        for rank in np.geomspace(skip + 1, max(len(words) // 4, skip + 1), WORDS).astype(int) - 1:
            fit = (word for word in words[rank:] if len(word) >= 4 and word.isalpha() and word not in shown)
            shown += [word] if (word := next(fit, "")) else []
        return metrics.neighbours(words, table, shown, k=NEIGHBOURS)
