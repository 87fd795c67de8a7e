import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Principal, Role
from app.core.ids import new_id
from app.users.channels import EveryUser, OneUser
from tests.sessions import always


@pytest.mark.parametrize(
    ("role", "allowed"), [(Role.ADMIN, True), (Role.STAFF, False), (Role.CUSTOMER, False)]
)
async def test_every_users_events_are_for_admins(
    session: AsyncSession, role: Role, *, allowed: bool
) -> None:
    principal = Principal(new_id(), new_id(), "Cleo", role)
    assert await EveryUser().may_subscribe(always(session), principal, "") is allowed


async def test_a_users_own_events_are_theirs_alone(session: AsyncSession) -> None:
    admin = Principal(new_id(), new_id(), "Ann", Role.ADMIN)
    assert await OneUser().may_subscribe(always(session), admin, str(admin.user_id))
    assert not await OneUser().may_subscribe(always(session), admin, str(new_id()))
    assert not await OneUser().may_subscribe(always(session), admin, "")
