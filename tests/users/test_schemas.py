import re
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from app.auth.principals import Role
from app.core.accounts import parse_email
from app.users.schemas import (
    PasswordChange,
    ProfileUpdate,
    UserCreate,
    UserQuery,
    UserUpdate,
)

GOOD = {"email": "cleo@tandem.example", "name": "Cleo", "password": "tandem-demo"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("cleo@tandem.example", "cleo@tandem.example"),
        ("  Cleo@Tandem.Example\n", "Cleo@Tandem.Example"),
        ("cleo@somewhere.test", "cleo@somewhere.test"),
        ("cleo@xn--bcher-kva.example", "cleo@bücher.example"),
        ("cle\u0301o@tandem.example", "cl\u00e9o@tandem.example"),
        ("\u212aim@tandem.example", "Kim@tandem.example"),
        ("\u2126@tandem.example", "\u03a9@tandem.example"),
        ("I\u0307dil@tandem.example", "\u0130dil@tandem.example"),
    ],
)
def test_address_is_kept_as_given_in_one_spelling(given: str, kept: str) -> None:
    assert parse_email(given) == kept


@pytest.mark.parametrize(
    "given", ["", "cleo", "@tandem.example", "a b@tandem.example", "a@b", "Cleo <a@b.example>"]
)
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_email(given)


def test_what_is_far_too_long_is_refused_before_it_is_looked_at() -> None:
    """Whoever looks at it says first that it has no @."""
    with pytest.raises(ValueError, match="at most 254"):
        parse_email("a" * 1_000_000)


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
    with pytest.raises(ValidationError, match="must be a string"):
        UserUpdate.model_validate({"role": ["staff"]})


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
        (UserQuery, {"limit": "1_0"}),
        (UserQuery, {"limit": "50.0"}),
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
