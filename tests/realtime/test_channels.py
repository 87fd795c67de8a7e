"""Channels: from a name to the policy that decides."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from pydantic import BaseModel

from app.auth.principals import Principal, Role
from app.core.config import Settings
from app.core.database import create_engine, create_sessions
from app.realtime.channels import Channels, personal_channel
from app.realtime.wire.codes import CommandError, ErrorCode

SOMEBODY = Principal(uuid4(), uuid4(), "Somebody", Role.CUSTOMER)


class Waving(BaseModel):
    """What somebody in a room may tell the others."""

    hand: str


class Policy:
    """Allows what it was told to, and keeps what it was asked."""

    presence = True
    signals: type[BaseModel] | None = Waving
    stored = True

    def __init__(self, namespace: str, *allowed: str, keyed: bool) -> None:
        self.namespace = namespace
        self.keyed = keyed
        self.asked: list[str] = []
        self._allowed = allowed

    def may_subscribe(self, principal: Principal, key: str) -> bool:
        assert principal is SOMEBODY
        self.asked.append(key)
        return key in self._allowed


class Two:
    """`rooms` and `rooms:<key>`, and `hall` alone."""

    def __init__(self) -> None:
        self.engine = create_engine(Settings(database_url="postgresql://nobody@127.0.0.1:1/none"))
        self.rooms = Policy("rooms", keyed=False)
        self.room = Policy("rooms", "a", "b:c", keyed=True)
        self.hall = Policy("hall", "", keyed=False)
        policies = (self.rooms, self.room, self.hall)
        self.channels = Channels(create_sessions(self.engine), policies)

    async def refusal(self, channel: str) -> ErrorCode | None:
        try:
            await self.channels.authorize(SOMEBODY, channel)
        except CommandError as error:
            return error.error
        return None


@pytest.fixture
async def two() -> AsyncIterator[Two]:
    two = Two()
    yield two
    await two.engine.dispose()


async def test_the_policy_of_the_namespace_decides_on_the_key(two: Two) -> None:
    assert await two.refusal("rooms:a") is None
    assert await two.refusal("rooms:z") is ErrorCode.PERMISSION_DENIED
    assert await two.refusal("hall") is None
    assert two.room.asked == ["a", "z"]


async def test_who_may_is_told_what_the_channel_offers(two: Two) -> None:
    assert await two.channels.authorize(SOMEBODY, "rooms:a") is two.room
    assert await two.channels.authorize(SOMEBODY, "hall") is two.hall


async def test_a_key_may_hold_colons(two: Two) -> None:
    assert await two.refusal("rooms:b:c") is None


async def test_a_namespace_with_and_without_key_has_two_policies(two: Two) -> None:
    assert await two.refusal("rooms") is ErrorCode.PERMISSION_DENIED
    assert await two.refusal("rooms:") is ErrorCode.PERMISSION_DENIED
    assert (two.rooms.asked, two.room.asked) == ([""], [""])


async def test_a_known_namespace_without_such_a_policy_denies(two: Two) -> None:
    assert await two.refusal("hall:a") is ErrorCode.PERMISSION_DENIED
    assert two.hall.asked == []


async def test_another_namespace_is_unknown(two: Two) -> None:
    for channel in ("kitchen", "kitchen:a", "$control", ":a", " rooms"):
        assert await two.refusal(channel) is ErrorCode.UNKNOWN_CHANNEL


async def test_a_name_is_measured_in_bytes(two: Two) -> None:
    assert await two.refusal("rooms:" + "x" * 249) is ErrorCode.PERMISSION_DENIED
    assert await two.refusal("rooms:" + "x" * 250) is ErrorCode.BAD_REQUEST
    assert await two.refusal("rooms:" + "æ" * 125) is ErrorCode.BAD_REQUEST


def test_everybody_has_a_channel_of_their_own() -> None:
    assert personal_channel(SOMEBODY.user_id) == f"users:{SOMEBODY.user_id}"
