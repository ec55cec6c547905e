"""Under which name a model is registered, and when it becomes the champion: the form that training flows have."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from algorithms.forms import in_order
from data import storage
from data.partitions import PLACEHOLDER
from data.registry.records import NAME

Promote = Literal["if not worse", "never", "always"]
FOLDER = "registry"


class Registration(BaseModel):
    """Registered as a version of a model; and champion, where it is not worse than the one so far."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Registration", json_schema_extra=in_order)

    model_name: Annotated[str, Field(title="Name in the registry", pattern=rf"^({NAME})?$", max_length=128)] = Field(
        default="", description="The model of which this run makes a version, such as docs-words. Empty: none."
    )
    registry: Annotated[str, Field(title="Registry")] = Field(
        default="", description="The folder or URL of the registry. Empty: the folder registry in output."
    )
    promote: Annotated[Promote, Field(title="Becomes the champion")] = Field(
        default="if not worse", description="When the new version becomes the champion."
    )
    judged_by: Annotated[str, Field(title="Judged by")] = Field(
        default="",
        description="The metric by which it is told from the champion, both judged anew on the same data. Empty: the"
        " algorithm's own: mean_rho, accuracy, npmi; of object2vec accuracy or mean_squared_error.",
    )
    margin: Annotated[float, Field(title="Margin", ge=0, allow_inf_nan=False)] = Field(
        default=0.0, description="How much worse than the champion's the metric may be, and still pass."
    )

    def place(self, output: str) -> str:
        """Where the registry is. Runs of all partitions share one: it lies above the folder that is theirs."""
        if self.registry:
            return storage.absolute(self.registry)
        above = output.partition(PLACEHOLDER)[0]
        if above != output:
            above = above.rpartition("/")[0] or "."
        return storage.join(storage.absolute(above), FOLDER)
