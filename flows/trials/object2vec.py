"""A trial of an Object2Vec: the stages of flows/object2vec.py."""

from dataclasses import dataclass
from typing import Any, ClassVar

from algorithms.object2vec.algorithm import Object2Vec
from algorithms.object2vec.pairing import Pairing
from tasks.against import Against, Judge
from tasks.artifacts import Summary
from tasks.ingest import Ingested
from tasks.object2vec import artifacts, champion, drift, evaluate, publish, text, train
from tasks.object2vec.channel import Auxiliary
from tasks.publish import Published
from tasks.registry.drift import Since
from tasks.train import Machines
from tasks.tune.sweep import Aim
from tasks.tune.trial import Call, Learned


def aim(form: Object2Vec) -> Aim:
    """Of scores, or of classes."""
    objective = "validation_mean_squared_error" if form.regression else "validation_cross_entropy"
    known = (objective, "loss") if form.regression else (objective, "validation_accuracy", "loss")
    return Aim("object2vec", objective, known, champion.metrics_of(form))


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

    @property
    def data(self) -> dict[str, Any]:
        """What trials are trained and judged on, and how."""
        return {
            "train": self.ingested,
            **self.others,
            "against": self.aligned.get("train"),
            "pairing": self.pairing.model_dump(mode="json"),
            "auxiliary": self.files.model_dump(mode="json"),
        }

    def prepare(self, form: Any, machines: Machines, call: Call) -> Any:
        """Pairs as ids."""
        return call(
            text.prepare,
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
        trained = call(train.learn, prepared, self.files, form, machines=machines, seed=self.seed)
        return Learned(prepared, trained, call(evaluate.evaluate, prepared, trained, form, self.pairing))

    def judge(self, learned: Learned, form: Any, *, judged_by: str) -> Judge:
        """What the gate of a registry asks; judged_by: the metric that decides."""
        given = {"prepared": learned.prepared, "trained": learned.trained, "evaluated": learned.evaluated}
        return Judge(champion.beside, given | {"form": form, "pairing": self.pairing})

    def since(self, learned: Learned, form: Any) -> Since:
        """What tells it from an earlier model."""
        return Since(drift.since, {"trained": learned.trained, "form": form})

    def publish(self, learned: Learned, form: Any, *, output: str, against: Against | None = None) -> Published:
        """The best."""
        return publish.publish(
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
        return artifacts.report(self.ingested, learned.prepared, learned.trained, learned.evaluated, published)
