"""Accounts: made, found, changed, deactivated.

Each change locks the user's row, raises its version, flushes, and records what was changed.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Role
from app.core.errors import Forbidden
from app.core.paging import Page
from app.realtime.outbox import Actor
from app.users import sessions as users_sessions
from app.users.errors import EmailTaken, LastAdmin, UserNotFound
from app.users.events import UserEventType, record_rights_change, record_user
from app.users.models import EMAIL_INDEX, User, active_admins
from app.users.schemas import UserChanges

Changed = dict[str, tuple[Any, Any]]

SEEN_IN_PRINCIPAL = {"name", "role", "is_active"}


async def create_user(  # noqa: PLR0913 - each is named at the call
    session: AsyncSession,
    *,
    email: str,
    name: str,
    password_hash: str,
    role: Role = Role.CUSTOMER,
    actor: Actor | None = None,
) -> User:
    """Raises EmailTaken."""
    user = User(email=email, name=name, password_hash=password_hash, role=role)
    session.add(user)
    await _flush(session)
    await record_user(session, user, event_type="user.created", actor=actor, changed={})
    return user


async def get_user(session: AsyncSession, *, user_id: UUID) -> User:
    """Raises UserNotFound."""
    user = await session.get(User, user_id)
    if user is None:
        raise UserNotFound
    return user


async def find_user_by_email(session: AsyncSession, *, email: str) -> User | None:
    """Active or not; case does not count."""
    return await session.scalar(select(User).where(func.lower(User.email) == func.lower(email)))


async def look_up_user(session: AsyncSession, *, email: str) -> User:
    """Raises UserNotFound, for somebody who was deactivated, too."""
    user = await find_user_by_email(session, email=email)
    if user is None or not user.is_active:
        raise UserNotFound
    return user


async def list_users(
    session: AsyncSession, *, limit: int, before: UUID | None = None, q: str = ""
) -> Page[User, UUID]:
    """Newest first: ids rise with the time at which they were made."""
    query = select(User).order_by(User.id.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(User.id < before)
    if q:
        matches = (column.icontains(q, autoescape=True) for column in (User.name, User.email))
        query = query.where(or_(*matches))
    found = (await session.scalars(query)).all()
    items = found[:limit]
    return Page(items, items[-1].id if len(found) > limit else None)


async def update_user(
    session: AsyncSession,
    *,
    user_id: UUID,
    changes: UserChanges,
    actor: Actor | None,
    admin: UUID | None = None,
) -> User:
    """Record nothing when nothing changes. `admin`: whoever does it as one must be one still.

    Raises Forbidden, UserNotFound, LastAdmin, EmailTaken.
    """
    user = await _lock_user(session, user_id=user_id, changes=changes, admin=admin)
    changed = _apply(user, changes)
    if not changed:
        return user
    user.version += 1
    await _flush(session)
    deactivated = "is_active" in changed and not user.is_active
    event_type: UserEventType = "user.deactivated" if deactivated else "user.updated"
    await record_user(session, user, event_type=event_type, actor=actor, changed=changed)
    if deactivated:
        await users_sessions.revoke_sessions(session, user_id=user_id)
    if not SEEN_IN_PRINCIPAL.isdisjoint(changed):
        await record_rights_change(session, user_id=user_id)
    return user


async def deactivate_user(
    session: AsyncSession, *, user_id: UUID, actor: Actor | None, admin: UUID | None = None
) -> None:
    """As `update_user` does it. Raises Forbidden, UserNotFound, LastAdmin."""
    changes: UserChanges = {"is_active": False}
    await update_user(session, user_id=user_id, changes=changes, actor=actor, admin=admin)


def _apply(user: User, changes: UserChanges) -> Changed:
    changed: Changed = {}
    for field, new in changes.items():
        old = getattr(user, field)
        if old != new:
            setattr(user, field, new)
            changed[field] = (old, new)
    return changed


async def _lock_user(
    session: AsyncSession, *, user_id: UUID, changes: UserChanges, admin: UUID | None
) -> User:
    """Lock the row, and that of the admin who asks: what they were when the request came in may
    have been taken from them since. What may take away an admin locks all admins. Always in the
    same order.
    """
    costs_admin = changes.get("role", Role.ADMIN) is not Role.ADMIN or (
        changes.get("is_active") is False
    )
    which = User.id.in_({user_id, admin or user_id})
    rows = select(User).where(or_(which, active_admins()) if costs_admin else which)
    locked = {user.id: user for user in await session.scalars(_for_update(rows))}
    if admin is not None and (admin not in locked or not locked[admin].is_active_admin):
        raise Forbidden
    user = locked.pop(user_id, None)
    if user is None:
        raise UserNotFound
    if costs_admin and user.is_active_admin and not locked:
        raise LastAdmin
    return user


def _for_update(rows: Select[User]) -> Select[User]:
    """FOR NO KEY UPDATE: writers exclude each other, but not inserts that refer to a user."""
    return (
        rows.order_by(User.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


async def _flush(session: AsyncSession) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        driver_error = error.orig.__cause__ if error.orig else None
        if getattr(driver_error, "constraint_name", None) == EMAIL_INDEX:
            raise EmailTaken from None
        raise
