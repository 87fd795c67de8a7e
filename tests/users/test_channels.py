import pytest

from app.auth.principals import Principal, Role
from app.core.ids import new_id
from app.users.channels import EveryUser, OneUser


@pytest.mark.parametrize(
    ("role", "allowed"), [(Role.ADMIN, True), (Role.STAFF, False), (Role.CUSTOMER, False)]
)
def test_every_users_events_are_for_admins(role: Role, *, allowed: bool) -> None:
    principal = Principal(new_id(), new_id(), "Cleo", role)
    assert EveryUser().may_subscribe(principal, "") is allowed


def test_a_users_own_events_are_theirs_alone() -> None:
    admin = Principal(new_id(), new_id(), "Ann", Role.ADMIN)
    assert OneUser().may_subscribe(admin, str(admin.user_id))
    assert not OneUser().may_subscribe(admin, str(new_id()))
    assert not OneUser().may_subscribe(admin, "")
