"""What every body and every answer has in common."""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated

import pytest
from pydantic import BaseModel, StringConstraints, ValidationError

from app.core.schemas import (
    NAME,
    NAMING,
    SEEN,
    STORABLE,
    VISIBLE,
    QueryModel,
    ReadModel,
    RequestModel,
    Time,
    format_time,
)

NOON = datetime(2026, 1, 31, 12, 0, 0, 7, tzinfo=UTC)


class Body(RequestModel):
    count: int = 0
    ready: bool = False
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), STORABLE] = "a"


class Named(RequestModel):
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), NAMING]


class Said(RequestModel):
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), VISIBLE]


class Query(QueryModel):
    limit: int = 50


class Answer(ReadModel):
    at: Time


class Row:
    at = NOON


@pytest.mark.parametrize(
    "body", [{"count": "1"}, {"count": False}, {"count": 1.0}, {"ready": 1}, {"name": 1}]
)
def test_a_body_is_strict_about_types(body: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Body.model_validate(body)


@pytest.mark.parametrize("model", [Body, Query])
def test_unknown_fields_are_forbidden(model: type[BaseModel]) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        model.model_validate({"unknown": 1})


def test_query_parameters_are_strings_by_nature() -> None:
    assert Query.model_validate({"limit": "7"}).limit == 7


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "a\udc00\ud800b"])
def test_text_that_postgres_cannot_store_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Body.model_validate({"name": text})


@pytest.mark.parametrize("text", ["\u20ac", "\U0001f600", "\ufffe", "a\nb", "\x01", "\u202e"])
def test_all_other_text_is_storable(text: str) -> None:
    assert Body.model_validate({"name": text}).name == text


@pytest.mark.parametrize("blank", ["", " ", "\n\t"])
def test_text_is_stripped_before_it_is_measured(blank: str) -> None:
    with pytest.raises(ValidationError):
        Body.model_validate({"name": blank})


def is_taken(name: str) -> bool:
    """Whether it may be a name: by its schema, and by its pattern in the document."""
    try:
        Named.model_validate({"name": name})
    except ValidationError:
        taken = False
    else:
        taken = True
    assert (re.search(NAME, name) is not None) == taken
    return taken


@pytest.mark.parametrize(
    "name",
    ["a", "K\u00e4se \U0001f9c0", "\U0001f9c0", "\u0645\u062d\u0645\u062f", "\u674e", "a\u200db",
     "\u200eDavid", "a\nb", "\u0645\u200f!", "\u093f", "\u0600", "\U0001f468\u200d\U0001f469"],
)  # fmt: skip
def test_a_name_of_any_script_is_taken(name: str) -> None:
    assert is_taken(name)


@pytest.mark.parametrize(
    "name",
    ["\u200b", "\u200b\u200d \u2060", "\u00a0", "\u00ad", "\u2800", "\u3164", "\ufeff", "\x7f",
     "\ue000", "\ufe0f", "\u2028", "\x01"],
)  # fmt: skip
def test_a_name_that_cannot_be_seen_is_refused(name: str) -> None:
    assert not is_taken(name)


@pytest.mark.parametrize("mark", [*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"])
@pytest.mark.parametrize("put", [str, "{}a".format, "a{}b".format, "a{}".format])
def test_a_name_that_turns_the_direction_of_text_is_refused(
    mark: str, put: Callable[[str], str]
) -> None:
    assert not is_taken(put(mark))


@pytest.mark.parametrize("text", ["a", "\U0001f9c0", "a\n\u200b", "\u202ea", "\u2067\u0645\u2069"])
def test_text_that_can_be_seen_may_turn_its_direction(text: str) -> None:
    assert Said.model_validate({"text": text}).text == text
    assert re.search(SEEN, text)


@pytest.mark.parametrize("text", ["\u200b", "\u200b\u200d \u2060", "\u202e", "\x01", "\u3164"])
def test_text_that_cannot_be_seen_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="can be seen"):
        Said.model_validate({"text": text})
    assert not re.search(SEEN, text)


def test_text_that_is_to_be_seen_must_be_storable_too() -> None:
    with pytest.raises(ValidationError, match="NUL"):
        Said.model_validate({"text": "a\x00"})


def test_whatever_unicode_calls_a_space_or_a_control_cannot_be_seen() -> None:
    """But for the signs that stand around numbers and verses, which are seen."""
    seen = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2}
    unseen = {"Cc", "Cf", "Co", "Zs", "Zl", "Zp"}
    codes = [code for code in range(0x1_0000) if unicodedata.category(chr(code)) in unseen]

    assert [hex(code) for code in codes if code not in seen and re.search(NAME, chr(code))] == []


def test_a_time_has_microseconds_and_ends_in_z() -> None:
    assert format_time(NOON) == "2026-01-31T12:00:00.000007Z"


def test_a_time_of_another_zone_is_given_in_utc() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))

    assert format_time(elsewhere) == "2026-01-31T12:00:00.000007Z"


def test_a_whole_second_has_its_microseconds_all_the_same() -> None:
    assert format_time(NOON.replace(microsecond=0)) == "2026-01-31T12:00:00.000000Z"


def test_an_answer_is_read_from_the_attributes_of_a_row() -> None:
    answer = Answer.model_validate(Row())

    assert answer.model_dump_json() == '{"at":"2026-01-31T12:00:00.000007Z"}'
