"""A trial of a classifier: the stages of flows/text_classification.py."""

from dataclasses import dataclass
from typing import Any, ClassVar

from data.readers import Tokenizer
from tasks.against import Against, Judge
from tasks.artifacts import Summary
from tasks.ingest import Ingested
from tasks.publish import Published
from tasks.registry.drift import Since
from tasks.text_classification import artifacts, champion, drift, evaluate, publish, quantize, text, train
from tasks.train import Machines
from tasks.tune.sweep import Aim
from tasks.tune.trial import Call, Learned


def aim(validation: str) -> Aim:
    """validation: "" where there is none; then no epoch is looked at."""
    objective = "validation_accuracy" if validation else "train_accuracy"
    return Aim("text_classification", objective, (objective, "loss") if validation else (), champion.METRICS)


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

    @property
    def data(self) -> dict[str, Any]:
        """What trials are trained and judged on, and how."""
        return {
            "train": self.ingested,
            "validation": self.judged_by,
            "tokenizer": self.tokenizer,
            "share": self.share,
        }

    def prepare(self, form: Any, machines: Machines, call: Call) -> Any:
        """Examples as numbers."""
        return call(
            text.prepare,
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
        trained = call(train.learn, prepared, form, machines=machines, seed=self.seed)
        quantized = call(quantize.quantize, prepared, trained, form, machines=machines) if form.quantize else None
        evaluated = call(evaluate.evaluate, prepared, trained, form, quantized)
        return Learned(prepared, trained, evaluated, own=quantized)

    def judge(self, learned: Learned, form: Any, *, judged_by: str) -> Judge:
        """What the gate of a registry asks; judged_by: the metric that decides."""
        given = {
            "ingested": self.ingested,
            "validation": self.judged_by,
            "share": self.share,
            "tokenizer": self.tokenizer,
        }
        return Judge(champion.beside, given | {"prepared": learned.prepared, "evaluated": learned.evaluated})

    def since(self, learned: Learned, form: Any) -> Since:
        """What tells it from an earlier model."""
        return Since(drift.since, {"trained": learned.trained})

    def publish(self, learned: Learned, form: Any, *, output: str, against: Against | None = None) -> Published:
        """The best."""
        return publish.publish(
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
        return artifacts.report(
            self.ingested, learned.prepared, learned.trained, learned.evaluated, published, learned.own
        )
