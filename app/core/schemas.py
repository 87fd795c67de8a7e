"""The base of what comes in and goes out as JSON."""

from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer


def _storable(value: str) -> str:
    """JSON can spell NUL, and half of a surrogate pair: Postgres takes neither."""
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("must hold neither NUL nor half of a surrogate pair")
    return value


def format_time(value: datetime) -> str:
    """RFC 3339 in UTC with microseconds: 2026-01-31T12:00:00.000000Z."""
    utc = value.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='microseconds')}Z"


# Stands last in an Annotated: behind a validator, Pydantic would measure before it strips.
STORABLE = AfterValidator(_storable)
Time = Annotated[
    datetime,
    PlainSerializer(format_time, return_type=str, when_used="json"),
    Field(examples=["2026-01-31T12:00:00.000000Z"]),
]


class RequestModel(BaseModel):
    """A body: strict about types, unknown fields forbidden."""

    model_config = ConfigDict(strict=True, extra="forbid", str_strip_whitespace=False)


class QueryModel(BaseModel):
    """Query parameters: strings by nature, hence not strict; unknown ones forbidden."""

    model_config = ConfigDict(extra="forbid")


class ReadModel(BaseModel):
    """An answer; built from models or from keyword arguments."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    @cached_property
    def encoded(self) -> str:
        """Its JSON, made once: what is answered and what is told of it are the same bytes."""
        return self.model_dump_json()
