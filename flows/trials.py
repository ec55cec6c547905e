"""The stages of one trial, for each algorithm: what its flow does between ingest and publish, with any hyperparameters.

They are called by `call`: as tasks of a run, or plainly within a trial, which is a task itself and may be elsewhere.
So each is a value that can be sent to another process. prepared_by: hyperparameters that preparation depends on; where
none of them is searched all trials share it.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from algorithms.object2vec.pairing import Pairing
from algorithms.topics.counts import Counting
from data.readers import Tokenizer
from tasks.against import Against, Judge
from tasks.artifacts import Summary
from tasks.ingest import Ingested
from tasks.object2vec import artifacts as o2v_artifacts
from tasks.object2vec import champion as o2v_champion
from tasks.object2vec import drift as o2v_drift
from tasks.object2vec import evaluate as o2v_evaluate
from tasks.object2vec import publish as o2v_publish
from tasks.object2vec import text as o2v_text
from tasks.object2vec import train as o2v_train
from tasks.object2vec.channel import Auxiliary
from tasks.publish import Published
from tasks.registry.drift import Since
from tasks.text_classification import artifacts as tc_artifacts
from tasks.text_classification import champion as tc_champion
from tasks.text_classification import drift as tc_drift
from tasks.text_classification import evaluate as tc_evaluate
from tasks.text_classification import publish as tc_publish
from tasks.text_classification import quantize as tc_quantize
from tasks.text_classification import text as tc_text
from tasks.text_classification import train as tc_train
from tasks.topics import artifacts as topics_artifacts
from tasks.topics import champion as topics_champion
from tasks.topics import drift as topics_drift
from tasks.topics import evaluate as topics_evaluate
from tasks.topics import publish as topics_publish
from tasks.topics import text as topics_text
from tasks.topics import train as topics_train
from tasks.topics import vectors as topics_vectors
from tasks.train import Machines
from tasks.tune.trial import Call, Learned
from tasks.word2vec import artifacts as w2v_artifacts
from tasks.word2vec import champion as w2v_champion
from tasks.word2vec import drift as w2v_drift
from tasks.word2vec import evaluate as w2v_evaluate
from tasks.word2vec import publish as w2v_publish
from tasks.word2vec import text as w2v_text
from tasks.word2vec import train as w2v_train


@dataclass(frozen=True)
class OfWord2Vec:
    """As flows/word2vec.py."""

    ingested: Ingested
    tokenizer: Tokenizer
    analogies: bool
    seed: int
    work: str
    prepared_by: ClassVar = ("min_count",)

    def prepare(self, form: Any, machines: Machines, call: Call) -> Any:
        """Words as numbers."""
        return call(w2v_text.prepare, self.ingested, tokenizer=self.tokenizer, min_count=form.min_count, work=self.work)

    def __call__(self, form: Any, machines: Machines, call: Call) -> Learned:
        """Prepare, train, evaluate."""
        prepared = self.prepare(form, machines, call)
        trained = call(w2v_train.learn, prepared, form, machines=machines, seed=self.seed)
        return Learned(prepared, trained, call(w2v_evaluate.evaluate, trained, form, analogies=self.analogies))

    def judge(self, learned: Learned, form: Any, *, judged_by: str = "") -> Judge:
        """What the gate of a registry asks; judged_by: the metric that decides."""
        return Judge(
            w2v_champion.beside, {"trained": learned.trained, "form": form, "judged_by": judged_by or "mean_rho"}
        )

    def since(self, learned: Learned, form: Any) -> Since:
        """What tells it from an earlier model."""
        return Since(w2v_drift.since, {"trained": learned.trained, "form": form})

    def publish(self, learned: Learned, form: Any, *, output: str, against: Against | None = None) -> Published:
        """The best."""
        return w2v_publish.publish(
            self.ingested,
            learned.prepared,
            learned.trained,
            learned.evaluated,
            form,
            output=output,
            against=against,
        )

    def report(self, learned: Learned, published: Published, form: Any) -> Summary:
        """As its own flow does."""
        return w2v_artifacts.report(self.ingested, learned.prepared, learned.trained, learned.evaluated, published)


@dataclass(frozen=True)
class OfTextClassification:
    """As flows/text_classification.py. share: of the examples to judge by, or 0."""

    ingested: Ingested
    judged_by: Ingested | None
    share: float
    tokenizer: Tokenizer
    seed: int
    work: str
    prepared_by: ClassVar = ("min_count", "word_ngrams", "buckets")

    def prepare(self, form: Any, machines: Machines, call: Call) -> Any:
        """Examples as numbers."""
        return call(
            tc_text.prepare,
            self.ingested,
            self.judged_by,
            form,
            share=self.share,
            tokenizer=self.tokenizer,
            machines=machines,
            work=self.work,
        )

    def __call__(self, form: Any, machines: Machines, call: Call) -> Learned:
        """Prepare, train, perhaps quantize, evaluate."""
        prepared = self.prepare(form, machines, call)
        trained = call(tc_train.learn, prepared, form, machines=machines, seed=self.seed)
        quantized = call(tc_quantize.quantize, prepared, trained, form, machines=machines) if form.quantize else None
        evaluated = call(tc_evaluate.evaluate, prepared, trained, form, quantized)
        return Learned(prepared, trained, evaluated, own=quantized)

    def judge(self, learned: Learned, form: Any, *, judged_by: str = "") -> Judge:
        """What the gate of a registry asks; judged_by: the metric that decides."""
        given = {
            "ingested": self.ingested,
            "validation": self.judged_by,
            "share": self.share,
            "tokenizer": self.tokenizer,
        }
        return Judge(tc_champion.beside, given | {"prepared": learned.prepared, "evaluated": learned.evaluated})

    def since(self, learned: Learned, form: Any) -> Since:
        """What tells it from an earlier model."""
        return Since(tc_drift.since, {"trained": learned.trained})

    def publish(self, learned: Learned, form: Any, *, output: str, against: Against | None = None) -> Published:
        """The best."""
        return tc_publish.publish(
            self.ingested,
            self.judged_by,
            learned.prepared,
            learned.trained,
            learned.evaluated,
            form,
            quantized=learned.own,
            output=output,
            against=against,
        )

    def report(self, learned: Learned, published: Published, form: Any) -> Summary:
        """As its own flow does."""
        return tc_artifacts.report(
            self.ingested, learned.prepared, learned.trained, learned.evaluated, published, learned.own
        )


@dataclass(frozen=True)
class OfTopics:
    """As flows/topics.py. others: validation and test; judges: vectors and reference, those that there are."""

    ingested: Any
    others: dict[str, Any]
    judges: dict[str, Any]
    counting: Counting
    seed: int
    work: str
    prepared_by: ClassVar = ("feature_dim",)

    def prepare(self, form: Any, machines: Machines, call: Call) -> Any:
        """Text as counts; refuses what topics could not be judged by."""
        prepared = call(
            topics_text.prepare,
            self.ingested,
            self.others,
            self.counting,
            feature_dim=form.feature_dim,
            seed=self.seed,
            machines=machines,
            work=self.work,
        )
        call(topics_evaluate.check, prepared, self.judges.get("reference"))
        return prepared

    def __call__(self, form: Any, machines: Machines, call: Call) -> Learned:
        """Prepare, train, evaluate."""
        prepared = self.prepare(form, machines, call)
        vectors, reference = self.judges.get("vectors"), self.judges.get("reference")
        known = call(topics_vectors.look_up, prepared, vectors) if vectors else None
        trained = call(topics_train.learn, prepared, form, vectors=known, machines=machines, seed=self.seed)
        evaluated = call(
            topics_evaluate.evaluate, prepared, trained, form, self.counting, vectors=known, reference=reference
        )
        return Learned(prepared, trained, evaluated)

    def judge(self, learned: Learned, form: Any, *, judged_by: str = "") -> Judge:
        """What the gate of a registry asks; judged_by: the metric that decides."""
        given = {"prepared": learned.prepared, "evaluated": learned.evaluated}
        own = {"counting": self.counting, "reference": self.judges.get("reference")}
        return Judge(topics_champion.beside, given | own)

    def since(self, learned: Learned, form: Any) -> Since:
        """What tells it from an earlier model."""
        return Since(topics_drift.since, {"trained": learned.trained, "evaluated": learned.evaluated, "form": form})

    def publish(self, learned: Learned, form: Any, *, output: str, against: Against | None = None) -> Published:
        """The best."""
        return topics_publish.publish(
            self.ingested,
            self.others | self.judges,
            learned.prepared,
            learned.trained,
            learned.evaluated,
            form,
            self.counting,
            output=output,
            against=against,
        )

    def report(self, learned: Learned, published: Published, form: Any) -> Summary:
        """As its own flow does."""
        return topics_artifacts.report(
            self.ingested, learned.prepared, learned.trained, learned.evaluated, published, form
        )


@dataclass(frozen=True)
class OfObject2Vec:
    """As flows/object2vec.py. others: validation and test; aligned: what lines of the training belong to."""

    ingested: Ingested
    others: dict[str, Ingested]
    aligned: dict[str, Ingested]
    files: Auxiliary
    pairing: Pairing
    seed: int
    work: str
    prepared_by: ClassVar = (
        "num_classes", "output_layer", "enc0_vocab_size", "enc1_vocab_size", "enc1_network", "negative_sampling_rate",
    )  # fmt: skip

    def prepare(self, form: Any, machines: Machines, call: Call) -> Any:
        """Pairs as ids."""
        return call(
            o2v_text.prepare,
            self.ingested,
            self.others,
            self.aligned,
            self.pairing,
            num_classes=0 if form.regression else form.num_classes,
            vocab_sizes=form.vocab_sizes,
            negative_sampling_rate=form.negative_sampling_rate,
            seed=self.seed,
            machines=machines,
            work=self.work,
        )

    def __call__(self, form: Any, machines: Machines, call: Call) -> Learned:
        """Prepare, train, evaluate."""
        prepared = self.prepare(form, machines, call)
        trained = call(o2v_train.learn, prepared, self.files, form, machines=machines, seed=self.seed)
        return Learned(prepared, trained, call(o2v_evaluate.evaluate, prepared, trained, form, self.pairing))

    def judge(self, learned: Learned, form: Any, *, judged_by: str = "") -> Judge:
        """What the gate of a registry asks; judged_by: the metric that decides."""
        given = {"prepared": learned.prepared, "trained": learned.trained, "evaluated": learned.evaluated}
        return Judge(o2v_champion.beside, given | {"form": form, "pairing": self.pairing})

    def since(self, learned: Learned, form: Any) -> Since:
        """What tells it from an earlier model."""
        return Since(o2v_drift.since, {"trained": learned.trained, "form": form})

    def publish(self, learned: Learned, form: Any, *, output: str, against: Against | None = None) -> Published:
        """The best."""
        return o2v_publish.publish(
            self.ingested,
            self.others | ({"against": self.aligned["train"]} if self.aligned else {}),
            self.files,
            learned.prepared,
            learned.trained,
            learned.evaluated,
            form,
            self.pairing,
            output=output,
            against=against,
        )

    def report(self, learned: Learned, published: Published, form: Any) -> Summary:
        """As its own flow does."""
        return o2v_artifacts.report(self.ingested, learned.prepared, learned.trained, learned.evaluated, published)
