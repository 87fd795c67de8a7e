"""The base of what comes in and goes out as JSON."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not contain the character NUL")
    return value


def format_time(value: datetime) -> str:
    """RFC 3339 in UTC with microseconds: 2026-01-31T12:00:00.000000Z."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


Text = Annotated[str, AfterValidator(_no_nul)]
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
