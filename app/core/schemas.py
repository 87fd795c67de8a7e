"""The base of what comes in and goes out as JSON."""

import re
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any, ClassVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    model_validator,
)
from pydantic_core import core_schema

WITHOUT_NUL = r"^[^\u0000]*$"
TURNING = r"\u202a-\u202e\u2066-\u2069"
"""Marks that change the direction of the text around them: they make a name look like another."""
INVISIBLE = (
    r"\u0000-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f"
    r"\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ue000-\uf8ff\ufe00-\ufe0f\ufeff"
    r"\uffa0\ufff0-\ufffb\ufffe\uffff"
)
"""Spaces, controls, formats, blanks and private characters, as ranges that every dialect of
regular expressions knows. None beyond U+FFFF, which some dialects see as two characters.
"""
SEEN = rf"^[^\u0000]*[^{INVISIBLE}][^\u0000]*$"
NAME = rf"^[^\u0000{TURNING}]*[^{INVISIBLE}][^\u0000{TURNING}]*$"

BODY_BYTES = 16 * 1024
"""More than most bodies need: see RequestModel."""
CHARACTER_BYTES = 12
"""What a character takes in JSON at most, as two of \\uXXXX."""
MAX_FIELDS = 32
"""More than any body or query of ours has."""


class Storable:
    """Text that Postgres takes: checked, and told of as far as a pattern can tell it.

    Stands last in an Annotated: behind a validator, Pydantic would measure before it strips.
    """

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(_storable, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "pattern": WITHOUT_NUL}


class Visible(Storable):
    """Text of which something can be seen. Stands where Storable would."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        inner = super().__get_pydantic_core_schema__(source, handler)
        return core_schema.no_info_after_validator_function(_visible, inner)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "pattern": SEEN}


class Naming(Visible):
    """What people know a thing by: it reads in the order in which it is written, too."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        inner = super().__get_pydantic_core_schema__(source, handler)
        return core_schema.no_info_after_validator_function(_naming, inner)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "pattern": NAME}


def _storable(value: str) -> str:
    """JSON can spell NUL, and half of a surrogate pair: Postgres takes neither."""
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("must hold neither NUL nor half of a surrogate pair")
    return value


def _naming(value: str) -> str:
    if re.search(f"[{TURNING}]", value):
        raise ValueError("must not hold marks that turn the direction of text, such as U+202E")
    return value


def _visible(value: str) -> str:
    if not re.search(f"[^{INVISIBLE}]", value):
        raise ValueError("must hold a character that can be seen")
    return value


def check_string(value: Any) -> Any:
    """For what comes as a string though it is none: before anything is made of it."""
    if not isinstance(value, str):
        raise ValueError("must be a string")  # noqa: TRY004 - Pydantic reports ValueErrors
    return value


def _digits(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch("[0-9]+", value) is None:
        raise ValueError("must be a whole number, in digits")
    return value


def format_time(value: datetime) -> str:
    """RFC 3339 in UTC with microseconds: 2026-01-31T12:00:00.000000Z."""
    utc = value.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='microseconds')}Z"


STORABLE = Storable()
VISIBLE = Visible()
NAMING = Naming()
Digits = Annotated[int, BeforeValidator(_digits)]
"""A number in a query, where Pydantic would take 1_0, 50.0 and +5 as well."""
Time = Annotated[
    datetime,
    PlainSerializer(format_time, return_type=str, when_used="json"),
    Field(examples=["2026-01-31T12:00:00.000000Z"], json_schema_extra={"format": "date-time"}),
]


class GivenModel(BaseModel):
    """What comes in: unknown fields forbidden, and refused as one where there are very many."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _has_few_fields(cls, given: Any) -> Any:
        """Each unknown field is an error of its own: thousands would hold up the loop."""
        if isinstance(given, dict) and len(given) > MAX_FIELDS:
            raise ValueError(f"must hold at most {MAX_FIELDS} fields")
        return given


class RequestModel(GivenModel):
    """A body: strict about types. It is not read if it has more than `max_bytes`, which has room
    for all that it may hold, each character escaped, and for some white space.
    """

    model_config = ConfigDict(strict=True, str_strip_whitespace=False)
    max_bytes: ClassVar[int] = BODY_BYTES


class QueryModel(GivenModel):
    """Query parameters: strings by nature, hence not strict."""


class ReadModel(BaseModel):
    """An answer; built from models or from keyword arguments."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    @cached_property
    def encoded(self) -> str:
        """Its JSON, made once: what is answered and what is told of it are the same bytes."""
        return self.model_dump_json()
