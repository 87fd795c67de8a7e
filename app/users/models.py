"""The tables of people and their sessions. Every time in them is the database's clock."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Enum,
    ForeignKey,
    Index,
    Text,
    and_,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.auth.principals import Role
from app.core.database import Base
from app.core.ids import new_id

EMAIL_INDEX = "uq_users_lower_email"
ROLE_LENGTH = 20


def _role_names(roles: type[Role]) -> list[str]:
    return [role.value for role in roles]


class User(Base):
    """An account; never deleted, only deactivated.

    `version` and `updated_at` rise together, with each change that an event tells of; a new
    password is none.
    """

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    version: Mapped[int] = mapped_column(BigInteger, default=1)
    email: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    role: Mapped[Role] = mapped_column(
        Enum(
            Role,
            name="role",
            native_enum=False,
            create_constraint=True,
            length=ROLE_LENGTH,
            values_callable=_role_names,
        )
    )
    password_hash: Mapped[str] = mapped_column(Text)
    is_active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.statement_timestamp()
    )
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True),
        server_default=func.statement_timestamp(),
        onupdate=func.statement_timestamp(),
    )

    __table_args__ = (Index(EMAIL_INDEX, func.lower(text("email")), unique=True),)
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - SQLAlchemy's own

    @property
    def is_active_admin(self) -> bool:
        return self.is_active and self.role is Role.ADMIN


class UserSession(Base):
    """A sign-in, kept alive by refreshing; `generation` is that of its present refresh token.
    Once it has ended the row is of no use, and removed.
    """

    __tablename__ = "user_sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    generation: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.statement_timestamp()
    )
    rotated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.statement_timestamp()
    )
    last_used_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.statement_timestamp()
    )
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    user_agent: Mapped[str | None] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index("ix_user_sessions_ended_at", func.least(text("revoked_at"), text("expires_at"))),
    )
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - SQLAlchemy's own


def is_live() -> ColumnElement[bool]:
    """Whether a UserSession still stands, by the database's clock."""
    return and_(
        UserSession.revoked_at.is_(None), UserSession.expires_at > func.statement_timestamp()
    )


def active_admins() -> ColumnElement[bool]:
    return and_(User.role == Role.ADMIN, User.is_active)
