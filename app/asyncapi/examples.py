"""An example of what a schema describes: the same one every time."""

from typing import Any

from app.asyncapi.schemas import Json

PREFIX = "#/components/schemas/"
AN_ID = "0198c0de-0000-7000-8000-000000000001"
A_TIME = "2026-01-31T12:00:00.000000Z"
SAMPLES: Json = {
    "channel": f"orders:{AN_ID}",
    "client": "6f1d0a52-7c1e-4d0b-9a54-0f7c2a1b9e11",
    "code": None,
    "conn_info": {"name": "Cleo"},
    "data": {"editing": "note"},
    "editing": "note",
    "email": "cleo@tandem.example",
    "epoch": "3f9a1c",
    "field": "note",
    "message": "permission denied",
    "name": "Cleo",
    "note": "Ring twice.",
    "quantity": 12,
    "reason": "server unsubscribe",
    "sku": "NW-011",
    "text": "Ready at noon.",
    "token": "eyJhbGciOi…",
    "total": "168.00",
    "ttl": 900,
    "unit_price": "14.00",
    "user": AN_ID,
    "version": 1,
}
FORMATS = {"uuid": AN_ID, "date-time": A_TIME}
PLAIN: Json = {"string": "text", "integer": 7, "number": 0.5, "boolean": True, "null": None}


class Examples:
    def __init__(self, schemas: Json) -> None:
        self._schemas = schemas

    def of(self, schema: Json, name: str = "") -> Any:
        """`name` is the property that holds it."""
        if "$ref" in schema:
            return self.of(self._schemas[schema["$ref"].removeprefix(PREFIX)], name)
        for fixed in ("const", "enum", "examples"):
            if fixed in schema:
                return schema[fixed] if fixed == "const" else schema[fixed][0]
        if "anyOf" in schema:
            return self.of(schema["anyOf"][0], name)
        return self._of_type(schema, name)

    def _of_type(self, schema: Json, name: str) -> Any:
        kind = schema.get("type")
        if "properties" in schema:
            return {key: self.of(each, key) for key, each in schema["properties"].items()}
        if kind == "array":
            return [] if isinstance(schema.get("items"), list) else [self.of(schema["items"])]
        if kind == "object":
            return {}
        if schema.get("format") in FORMATS:
            return FORMATS[schema["format"]]
        sample = SAMPLES.get(name)
        return sample if _fits(sample, kind) else PLAIN.get(kind or "", {})


def _fits(sample: Any, kind: str | None) -> bool:
    if kind is None:
        return sample is not None
    return type(sample) is {"string": str, "integer": int}.get(kind)
