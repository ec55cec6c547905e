"""A trial of word vectors: the stages of flows/word2vec.py."""

from dataclasses import dataclass
from typing import Any, ClassVar

from data.readers import Tokenizer
from tasks.against import Against, Judge
from tasks.artifacts import Summary
from tasks.ingest import Ingested
from tasks.publish import Published
from tasks.registry.drift import Since
from tasks.train import Machines
from tasks.tune.sweep import Aim
from tasks.tune.trial import Call, Learned
from tasks.word2vec import artifacts, champion, drift, evaluate, publish, text, train

AIM = Aim("word2vec", "mean_rho", ("mean_rho", "loss"), champion.METRICS)


@dataclass(frozen=True)
class OfWord2Vec:
    """As flows/word2vec.py."""

    ingested: Ingested
    tokenizer: Tokenizer
    analogies: bool
    seed: int
    work: str
    prepared_by: ClassVar = ("min_count",)

    @property
    def data(self) -> dict[str, Any]:
        """What trials are trained and judged on, and how."""
        return {"train": self.ingested, "tokenizer": self.tokenizer}

    def prepare(self, form: Any, machines: Machines, call: Call) -> Any:
        """Words as numbers."""
        return call(text.prepare, self.ingested, tokenizer=self.tokenizer, min_count=form.min_count, work=self.work)

    def __call__(self, form: Any, machines: Machines, call: Call) -> Learned:
        """Prepare, train, evaluate."""
        prepared = self.prepare(form, machines, call)
        trained = call(train.learn, prepared, form, machines=machines, seed=self.seed)
        return Learned(prepared, trained, call(evaluate.evaluate, trained, form, analogies=self.analogies))

    def judge(self, learned: Learned, form: Any, *, judged_by: str) -> Judge:
        """What the gate of a registry asks; judged_by: the metric that decides."""
        return Judge(champion.beside, {"trained": learned.trained, "form": form, "judged_by": judged_by})

    def since(self, learned: Learned, form: Any) -> Since:
        """What tells it from an earlier model."""
        return Since(drift.since, {"trained": learned.trained, "form": form})

    def publish(self, learned: Learned, form: Any, *, output: str, against: Against | None = None) -> Published:
        """The best."""
        return publish.publish(
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
        return artifacts.report(self.ingested, learned.prepared, learned.trained, learned.evaluated, published)
