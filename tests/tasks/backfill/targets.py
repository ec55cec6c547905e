"""A deployment as a server would tell it."""

from datetime import UTC, datetime

from tasks.backfill.plan import Plan, Target, cells

SCHEMA = {
    "type": "object",
    "properties": {
        "train": {"type": "string", "default": "docs"},
        "model": {"$ref": "#/definitions/Model", "default": {"epochs": 5, "rate": 0.05}},
        "partition": {"type": "string", "default": ""},
    },
    "definitions": {
        "Model": {
            "type": "object",
            "properties": {
                "epochs": {"type": "integer", "minimum": 1, "default": 1},
                "rate": {"type": "number", "default": 0.1},
            },
        }
    },
}
TARGET = Target("00000000-0000-0000-0000-000000000000", "train/nightly", {"train": "news/"}, SCHEMA)
AT = datetime(2026, 7, 1, 3, tzinfo=UTC)


def planned(target: Target = TARGET, **changed) -> Plan:
    options = {"first": "2026-01", "last": "2026-03", "every": "month", "given": {}, "sweep": {}, "at": AT, "code": "c"}
    return cells(target, **{**options, **changed})
