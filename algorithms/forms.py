"""What every form tells the page that shows it."""

from typing import Any


def in_order(schema: dict[str, Any]) -> None:
    """Number the fields as they are written: a server that keeps its schemas in PostgreSQL forgets their order.

    For `json_schema_extra` of a pydantic model. Prefect numbers the parameters of a flow like that, and its page sorts
    all fields by `position`, but those inside of a form have none by themselves.
    """
    for position, field in enumerate(schema.get("properties", {}).values()):
        field["position"] = position
