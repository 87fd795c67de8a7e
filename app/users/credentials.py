"""Whether a password is somebody's: found, verified, and still the same when it is acted upon.

Hashing takes long, so it happens between two transactions: what was read in the first is
compared again, under the row's lock, in the second.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.passwords import check_password, hash_password
from app.core.config import Settings
from app.core.database import OpenSession
from app.users.errors import InvalidCredentials
from app.users.models import User


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user's id and the hash that their password is to match."""

    user_id: UUID
    password_hash: str


@dataclass(frozen=True, slots=True)
class Verified(Credentials):
    """The password did match; `outdated`: it was hashed with other parameters than today's."""

    outdated: bool = False


async def find_credentials(session: AsyncSession, *, email: str) -> Credentials | None:
    """None for a deactivated user, too."""
    query = select(User.id, User.password_hash).where(
        func.lower(User.email) == func.lower(email), User.is_active
    )
    row = (await session.execute(query)).one_or_none()
    return Credentials(*row) if row else None


async def find_credentials_of(session: AsyncSession, *, user_id: UUID) -> Credentials | None:
    query = select(User.id, User.password_hash).where(User.id == user_id, User.is_active)
    row = (await session.execute(query)).one_or_none()
    return Credentials(*row) if row else None


async def verify(settings: Settings, credentials: Credentials | None, password: str) -> Verified:
    """Takes as long without credentials. Raises InvalidCredentials.

    Needs no database, so that nobody holds a connection while waiting for a turn at hashing.
    """
    expected = credentials.password_hash if credentials else None
    check = await check_password(settings, password, expected)
    if credentials is None or not check.matches:
        raise InvalidCredentials
    return Verified(credentials.user_id, credentials.password_hash, outdated=check.rehash)


async def verify_lasting(
    open_session: OpenSession, settings: Settings, credentials: Credentials | None, password: str
) -> Verified:
    """As `verify`, and nobody who comes with the same password changes the hash after that.

    One that is outdated is replaced first, in a transaction of its own. Of several who do that at
    once one stores theirs, and the others verify what is stored then.
    """
    verified = await verify(settings, credentials, password)
    if not verified.outdated:
        return verified
    new_hash = await hash_password(settings, password)
    async with open_session() as session, session.begin():
        if await _replace_hash(session, verified, new_hash):
            return Verified(verified.user_id, new_hash)
        stored = await find_credentials_of(session, user_id=verified.user_id)
    return await verify(settings, stored, password)


async def lock_verified(session: AsyncSession, verified: Verified) -> None:
    """Lock the user. Raises InvalidCredentials if the account or its password changed meanwhile."""
    query = select(User.id).where(
        User.id == verified.user_id,
        User.password_hash == verified.password_hash,
        User.is_active,
    )
    if await session.scalar(query.with_for_update(key_share=True)) is None:
        raise InvalidCredentials


async def store_hash(session: AsyncSession, *, user_id: UUID, password_hash: str) -> None:
    """Nobody is told of it, so `updated_at`, which goes with `version`, stays."""
    await _write_hash(session, User.id == user_id, password_hash)


async def _replace_hash(session: AsyncSession, verified: Verified, new_hash: str) -> bool:
    """Whether the account still had the one that was verified."""
    is_same = and_(User.id == verified.user_id, User.password_hash == verified.password_hash)
    return await _write_hash(session, is_same, new_hash) == 1


async def _write_hash(session: AsyncSession, where: ColumnElement[bool], password_hash: str) -> int:
    write = (
        update(User)
        .where(where)
        .values(password_hash=password_hash, updated_at=User.updated_at)
        .returning(User.id)
        .execution_options(synchronize_session=False)
    )
    return len((await session.execute(write)).all())
