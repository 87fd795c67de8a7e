"""After a change each question about a right is asked once, however many sockets it concerns."""

from dataclasses import replace
from uuid import uuid4

import pytest

from app.auth.principals import Principal, Role
from app.realtime.access import Verdicts
from app.realtime.wire.codes import CommandError, ErrorCode

SOMEBODY = Principal(uuid4(), uuid4(), "Somebody", Role.STAFF)


class Rights:
    """Staff may follow everything. Keeps what it was asked; fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.asked: list[tuple[Role, str]] = []
        self._failures = failures

    async def authorize(self, principal: Principal, channel: str) -> None:
        self.asked.append((principal.role, channel))
        if len(self.asked) <= self._failures:
            raise ConnectionError("away")
        if not principal.is_staff:
            raise CommandError(ErrorCode.PERMISSION_DENIED)


async def test_all_sockets_of_a_person_share_one_answer() -> None:
    rights = Rights()
    verdicts = Verdicts(rights.authorize)
    sessions = [replace(SOMEBODY, session_id=uuid4()) for _ in range(5)]

    assert all([await verdicts.allows(one, "orders") for one in sessions])
    assert rights.asked == [(Role.STAFF, "orders")]


async def test_a_refusal_is_shared_too() -> None:
    rights = Rights()
    verdicts = Verdicts(rights.authorize)
    customer = replace(SOMEBODY, role=Role.CUSTOMER)

    assert not any([await verdicts.allows(customer, "orders") for _ in range(5)])
    assert rights.asked == [(Role.CUSTOMER, "orders")]


async def test_each_person_role_and_channel_is_a_question_of_its_own() -> None:
    rights = Rights()
    verdicts = Verdicts(rights.authorize)
    others = (replace(SOMEBODY, user_id=uuid4()), replace(SOMEBODY, role=Role.CUSTOMER))

    for principal in (SOMEBODY, *others):
        for channel in ("orders", "users"):
            allowed = await verdicts.allows(principal, channel)
            assert allowed == principal.is_staff
    assert len(rights.asked) == 6


async def test_what_could_not_be_asked_is_asked_again() -> None:
    rights = Rights(failures=1)
    verdicts = Verdicts(rights.authorize)

    with pytest.raises(ConnectionError):
        await verdicts.allows(SOMEBODY, "orders")
    assert await verdicts.allows(SOMEBODY, "orders")
