"""What comes in and goes out about people and sessions."""

from typing import Annotated, Literal, TypedDict, cast
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from app.auth.principals import Role
from app.core.accounts import (
    EMAIL_MAX_LENGTH,
    PASSWORD_MAX_LENGTH,
    PASSWORD_MIN_LENGTH,
    parse_email,
)
from app.core.schemas import (
    NAMING,
    STORABLE,
    Digits,
    QueryModel,
    ReadModel,
    RequestModel,
    Time,
    check_string,
)

NAME_MAX_LENGTH = 100
PAGE_SIZE = 50
PAGE_MAX_SIZE = 200


Email = Annotated[
    str,
    StringConstraints(max_length=EMAIL_MAX_LENGTH),
    STORABLE,
    AfterValidator(parse_email),
    Field(examples=["cleo@tandem.example"], json_schema_extra={"format": "email"}),
]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_MAX_LENGTH),
    NAMING,
]
Password = Annotated[
    str,
    StringConstraints(min_length=PASSWORD_MIN_LENGTH, max_length=PASSWORD_MAX_LENGTH),
    STORABLE,
    Field(json_schema_extra={"format": "password"}),
]
GivenPassword = Annotated[str, StringConstraints(max_length=PASSWORD_MAX_LENGTH), STORABLE]
Search = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=EMAIL_MAX_LENGTH),
    STORABLE,
]
SomeRole = Annotated[Role, Field(strict=False), BeforeValidator(check_string)]


class UserChanges(TypedDict, total=False):
    """What to change of a user; what is missing stays."""

    name: str
    email: str
    role: Role
    is_active: bool


class UserCreate(RequestModel):
    email: Email
    name: Name
    password: Password


class ProfileUpdate(RequestModel):
    """What people may change of themselves. Defaults only say that a field may be left out."""

    name: Name = Field(default_factory=str)
    email: Email = Field(default_factory=str)

    def changes(self) -> UserChanges:
        return cast("UserChanges", self.model_dump(exclude_unset=True))


class UserUpdate(RequestModel):
    """What an admin may change. Defaults only say that a field may be left out."""

    name: Name = Field(default_factory=str)
    role: SomeRole = Field(default_factory=lambda: Role.CUSTOMER)
    is_active: bool = Field(default_factory=bool)

    def changes(self) -> UserChanges:
        return cast("UserChanges", self.model_dump(exclude_unset=True))


class PasswordChange(RequestModel):
    current: GivenPassword
    new: Password


class RefreshRequest(RequestModel):
    refresh_token: str


class UserQuery(QueryModel):
    q: Search = ""
    """Part of a name or an e-mail address."""
    limit: Digits = Field(default=PAGE_SIZE, ge=1, le=PAGE_MAX_SIZE)
    cursor: UUID | None = None
    """`next_cursor` of the page before."""


class EmailQuery(QueryModel):
    email: Email


class PersonRead(ReadModel):
    """A user as any other user may see them."""

    id: UUID
    name: str


class UserRead(ReadModel):
    id: UUID
    version: int
    email: str
    name: str
    role: Role
    is_active: bool
    created_at: Time
    updated_at: Time


class UserPage(ReadModel):
    items: list[UserRead]
    next_cursor: UUID | None


class SessionRead(ReadModel):
    id: UUID
    created_at: Time
    last_used_at: Time
    expires_at: Time
    user_agent: str | None
    address: str | None
    is_current: bool = False


class TokenRead(ReadModel):
    """RFC 6749, section 5.1."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the type, not a token
    expires_in: int
    refresh_token: str
