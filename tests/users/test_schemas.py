import re
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from app.auth.principals import Role
from app.users.schemas import (
    PasswordChange,
    ProfileUpdate,
    UserCreate,
    UserQuery,
    UserUpdate,
)

GOOD = {"email": "cleo@tandem.example", "name": "Cleo", "password": "tandem-demo"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", False),
        ("email", None),
        ("email", "cleo\x00@tandem.example"),
        ("email", "\ud800@tandem.example"),
        ("email", f"{'a' * 250}@tandem.example"),
        ("name", 7),
        ("name", ""),
        ("name", "   "),
        ("name", "x" * 101),
        ("name", "Cleo\x00"),
        ("name", "\udfff"),
        ("password", "7 chars"),
        ("password", "x" * 129),
        ("password", "nul \x00 inside"),
        ("password", "half \ud83d a pair"),
        ("password", 12345678),
        ("role", "admin"),
        ("is_active", True),
    ],
)
def test_wrong_field_is_named(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        UserCreate.model_validate(GOOD | {field: value})
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]


def test_name_is_trimmed_and_measured_afterwards() -> None:
    assert UserUpdate.model_validate({"name": f"  {'x' * 100}\t"}).changes() == {"name": "x" * 100}


def test_password_is_taken_as_it_is() -> None:
    assert UserCreate.model_validate(GOOD | {"password": "  spaces  "}).password == "  spaces  "


@pytest.mark.parametrize("model", [ProfileUpdate, UserUpdate])
def test_update_holds_only_what_was_sent(model: type[ProfileUpdate] | type[UserUpdate]) -> None:
    assert model.model_validate({}).changes() == {}
    assert model.model_validate({"name": "Omar"}).changes() == {"name": "Omar"}


def test_role_comes_as_a_string() -> None:
    assert UserUpdate.model_validate({"role": "staff"}).changes() == {"role": Role.STAFF}


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (ProfileUpdate, {"name": None}),
        (ProfileUpdate, {"role": "admin"}),
        (ProfileUpdate, {"password": "tandem-demo"}),
        (UserUpdate, {"email": "cleo@tandem.example"}),
        (UserUpdate, {"role": "owner"}),
        (UserUpdate, {"role": 1}),
        (UserUpdate, {"role": False}),
        (UserUpdate, {"role": None}),
        (UserUpdate, {"is_active": 1}),
        (UserUpdate, {"is_active": "true"}),
        (UserUpdate, {"is_active": None}),
        (ProfileUpdate, {"name": "\u200b"}),
        (UserUpdate, {"name": "\u202eoelC"}),
        (PasswordChange, {"current": "a", "new": "short"}),
        (PasswordChange, {"current": "x" * 129, "new": "long enough"}),
        (UserQuery, {"limit": "0"}),
        (UserQuery, {"limit": "201"}),
        (UserQuery, {"limit": "ten"}),
        (UserQuery, {"cursor": "nowhere"}),
        (UserQuery, {"q": "\x00"}),
        (UserQuery, {"page": "2"}),
    ],
)
def test_wrong_content_is_refused(model: type[BaseModel], body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(body)


def test_optional_fields_have_no_default_in_the_schema() -> None:
    properties = UserUpdate.model_json_schema()["properties"]
    assert all("default" not in each for each in properties.values())


@pytest.mark.parametrize(
    ("name", "fits"),
    [("Cleo", True), (" ", False), ("Cl\0eo", False), ("\u200b", False), ("Cl\u202eeo", False)],
)
def test_the_schema_of_a_name_tells_what_is_taken(name: str, *, fits: bool) -> None:
    schema = UserCreate.model_json_schema()["properties"]["name"]

    assert (re.search(schema["pattern"], name) is not None) == fits
