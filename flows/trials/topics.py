"""A trial of topics: the stages of flows/topics.py."""

from dataclasses import dataclass
from typing import Any, ClassVar

from algorithms.topics.counts import Counting
from tasks.against import Against, Judge
from tasks.artifacts import Summary
from tasks.publish import Published
from tasks.registry.drift import Since
from tasks.topics import artifacts, champion, drift, evaluate, publish, text, train, vectors
from tasks.train import Machines
from tasks.tune.sweep import Aim
from tasks.tune.trial import Call, Learned

AIM = Aim("topics", "total_loss", ("total_loss", "perplexity", "loss"), champion.METRICS)


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

    @property
    def data(self) -> dict[str, Any]:
        """What trials are trained and judged on, and how."""
        return {"train": self.ingested, **self.others, **self.judges, "counting": self.counting.model_dump(mode="json")}

    def prepare(self, form: Any, machines: Machines, call: Call) -> Any:
        """Text as counts; refuses what topics could not be judged by."""
        prepared = call(
            text.prepare,
            self.ingested,
            self.others,
            self.counting,
            feature_dim=form.feature_dim,
            seed=self.seed,
            machines=machines,
            work=self.work,
        )
        call(evaluate.check, prepared, self.judges.get("reference"))
        return prepared

    def __call__(self, form: Any, machines: Machines, call: Call) -> Learned:
        """Prepare, train, evaluate."""
        prepared = self.prepare(form, machines, call)
        given, reference = self.judges.get("vectors"), self.judges.get("reference")
        known = call(vectors.look_up, prepared, given) if given else None
        trained = call(train.learn, prepared, form, vectors=known, machines=machines, seed=self.seed)
        evaluated = call(evaluate.evaluate, prepared, trained, form, self.counting, vectors=known, reference=reference)
        return Learned(prepared, trained, evaluated)

    def judge(self, learned: Learned, form: Any, *, judged_by: str) -> Judge:
        """What the gate of a registry asks; judged_by: the metric that decides."""
        given = {"prepared": learned.prepared, "evaluated": learned.evaluated}
        own = {"counting": self.counting, "reference": self.judges.get("reference")}
        return Judge(champion.beside, given | own)

    def since(self, learned: Learned, form: Any) -> Since:
        """What tells it from an earlier model."""
        return Since(drift.since, {"trained": learned.trained, "evaluated": learned.evaluated, "form": form})

    def publish(self, learned: Learned, form: Any, *, output: str, against: Against | None = None) -> Published:
        """The best."""
        return publish.publish(
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
        return artifacts.report(self.ingested, learned.prepared, learned.trained, learned.evaluated, published, form)
