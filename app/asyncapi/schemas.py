"""JSON Schemas of the models, as AsyncAPI wants them: draft 07, one place for all of them."""

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from app.realtime.wire.codes import ErrorCode, UnsubscribeCode

REFERENCE = "#/components/schemas/{model}"

Mode = Literal["validation", "serialization"]
"""`validation` is what comes in, `serialization` what goes out."""
Described = tuple[type[BaseModel], Mode]
Json = dict[str, Any]


class Draft07(GenerateJsonSchema):
    """A tuple is `items`, with a schema for each place."""

    def tuple_schema(self, schema: core_schema.TupleSchema) -> JsonSchemaValue:
        described = super().tuple_schema(schema)
        if "prefixItems" in described:
            described["items"] = described.pop("prefixItems")
        return described


class Schemas:
    """Every model that is asked for and whatever it is made of, by name."""

    def __init__(self, models: Iterable[Described]) -> None:
        self._references, document = models_json_schema(
            sorted(set(models), key=lambda each: (each[0].__name__, each[1])),
            ref_template=REFERENCE,
            schema_generator=Draft07,
        )
        self.by_name: Json = document["$defs"]
        _close_codes(self.by_name)

    def reference(self, described: Described) -> Json:
        return self._references[described]


def _close_codes(schemas: Json) -> None:
    """The models hold any number; there are only so many."""
    for name, codes in (("ErrorResult", ErrorCode), ("Unsubscribe", UnsubscribeCode)):
        schemas[name]["properties"]["code"]["enum"] = [each.value[0] for each in codes]
