import asyncio
from uuid import UUID

import pytest

from app.auth.principals import ENDED_SESSIONS, Principal, Principals, Role
from app.core.ids import new_id

CLEO = Principal(new_id(), new_id(), "Cleo", Role.CUSTOMER)


class Desk:
    """A PrincipalSource that counts how often it was asked, and can be made to wait."""

    def __init__(self) -> None:
        self.answer: Principal | None = CLEO
        self.asked = 0
        self.open = asyncio.Event()
        self.open.set()

    async def find(self, user_id: UUID, session_id: UUID) -> Principal | None:
        self.asked += 1
        answer = self.answer
        await self.open.wait()
        return answer if (user_id, session_id) == (CLEO.user_id, CLEO.session_id) else None


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_answer_is_remembered(desk: Desk) -> None:
    principals = Principals(desk)
    for _ in range(3):
        assert await principals.get(CLEO.user_id, CLEO.session_id) == CLEO
    assert desk.asked == 1


async def test_that_nobody_is_there_is_not_remembered(desk: Desk) -> None:
    principals = Principals(desk)
    for _ in range(2):
        assert await principals.get(CLEO.user_id, new_id()) is None
    assert desk.asked == 2


async def test_session_has_ended_once_it_was_asked_for_in_vain(desk: Desk) -> None:
    principals = Principals(desk)
    desk.answer = None
    assert not principals.has_ended(CLEO.session_id)
    await principals.get(CLEO.user_id, CLEO.session_id)
    assert principals.has_ended(CLEO.session_id)
    desk.answer = CLEO
    await principals.get(CLEO.user_id, CLEO.session_id)
    assert not principals.has_ended(CLEO.session_id)


async def test_sessions_that_have_ended_are_remembered_within_bounds(desk: Desk) -> None:
    principals = Principals(desk)
    sessions = [new_id() for _ in range(ENDED_SESSIONS + 1)]
    for session_id in sessions:
        await principals.get(CLEO.user_id, session_id)
        assert principals.has_ended(sessions[0])  # who comes again stays
    assert not principals.has_ended(sessions[1])
    assert all(map(principals.has_ended, sessions[2:]))


async def test_forgotten_person_is_asked_for_again_and_the_counter_rises(desk: Desk) -> None:
    principals = Principals(desk)
    await principals.get(CLEO.user_id, CLEO.session_id)
    before = principals.generation(CLEO.user_id)
    principals.forget(CLEO.user_id)
    desk.answer = None
    assert await principals.get(CLEO.user_id, CLEO.session_id) is None
    assert principals.generation(CLEO.user_id) > before
    assert principals.generation(new_id()) == before


async def test_everyone_is_forgotten(desk: Desk) -> None:
    principals = Principals(desk)
    await principals.get(CLEO.user_id, CLEO.session_id)
    before = principals.generation(CLEO.user_id)
    principals.forget_everyone()
    assert principals.generation(CLEO.user_id) > before
    await principals.get(CLEO.user_id, CLEO.session_id)
    assert desk.asked == 2


async def test_answer_that_was_on_its_way_while_rights_changed_is_not_kept(desk: Desk) -> None:
    principals = Principals(desk)
    desk.open.clear()
    early = asyncio.create_task(principals.get(CLEO.user_id, CLEO.session_id))
    await asyncio.sleep(0)
    principals.forget(CLEO.user_id)
    desk.open.set()
    await early
    desk.answer = None
    assert await principals.get(CLEO.user_id, CLEO.session_id) is None


@pytest.mark.parametrize(
    ("role", "staff", "admin"),
    [(Role.CUSTOMER, False, False), (Role.STAFF, True, False), (Role.ADMIN, True, True)],
)
def test_roles_include_the_lesser_ones(role: Role, *, staff: bool, admin: bool) -> None:
    principal = Principal(CLEO.user_id, CLEO.session_id, "Cleo", role)
    assert (principal.is_staff, principal.is_admin) == (staff, admin)


class Anyone:
    """A PrincipalSource that knows everybody, and notes whom it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[UUID, UUID]] = []

    async def find(self, user_id: UUID, session_id: UUID) -> Principal:
        self.asked.append((user_id, session_id))
        return Principal(user_id, session_id, "Cleo", Role.CUSTOMER)


@pytest.mark.parametrize(
    "sessions",
    [
        [(new_id(), new_id()) for _ in range(55)],
        [(CLEO.user_id, new_id()) for _ in range(55)],
    ],
    ids=["many people", "many sessions of one"],
)
async def test_cache_keeps_the_latest(sessions: list[tuple[UUID, UUID]]) -> None:
    anyone = Anyone()
    principals = Principals(anyone, most=50)
    for session in sessions:
        await principals.get(*session)
        await principals.get(*sessions[0])  # who is asked for stays
    del anyone.asked[:]
    for nth in (0, -1, 1):
        await principals.get(*sessions[nth])

    assert anyone.asked == [sessions[1]]


async def test_counters_of_many_are_bounded_and_none_falls() -> None:
    principals = Principals(Anyone(), most=50)
    for _ in range(3):
        principals.forget(CLEO.user_id)
    stranger = new_id()
    seen = [(principals.generation(CLEO.user_id), principals.generation(stranger))]
    for _ in range(200):
        person = new_id()
        before = principals.generation(person)
        principals.forget(person)
        assert principals.generation(person) > before
        seen.append((principals.generation(CLEO.user_id), principals.generation(stranger)))

    assert seen == sorted(seen)
    assert [each for _, each in seen] == sorted(each for _, each in seen)
    assert len(principals._generations) <= 50
