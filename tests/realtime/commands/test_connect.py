"""Signing in on a socket and staying signed in: connect and refresh."""

import json
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from tests.application import sign_in
from tests.realtime.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    return shared_stage


def claims(stage: Stage, token: str, **changes: Any) -> str:
    """The token with other claims, signed with our own key."""
    key = stage.settings.secret_key.get_secret_value()
    content = jwt.decode(token, key, algorithms=["HS256"], audience="tandem")
    return jwt.encode({**content, **changes}, key, algorithm="HS256")


# --------------------------------------------------------------------- connect


async def test_connect_signs_in_and_subscribes_to_ones_own_channel(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    with stage.player() as player:
        result = await player.connect(cleo)
        position = result["subs"][f"users:{cleo.id}"]
        assert result["client"] == player.connection.id
        assert (result["expires"], result["ping"], result["pong"]) == (True, 25, True)
        assert 890 <= result["ttl"] <= 901
        assert (position["recoverable"], position["positioned"]) == (True, True)
        assert position["epoch"] == stage.runtime.follower.epoch
        placed = await stage.place(cleo)
        created = await player.transport.document(
            lambda document: "order.created" in json.dumps(document)
        )
        assert created["push"]["channel"] == f"users:{cleo.id}"
        assert created["push"]["pub"]["data"]["order"]["id"] == placed.partition(":")[2]


async def test_an_expired_token_is_answered_and_the_connection_is_of_no_use_any_more(
    stage: Stage,
) -> None:
    cleo = await stage.person("cleo")
    with stage.player() as player:
        answer = await player.ask(connect={"token": stage.token(cleo, access_token_seconds=-60)})
        assert answer["error"]["code"] == 109
        assert player.closed is None
        await player.tell(connect={"token": cleo.token})
        assert player.closed == 3501


async def test_a_failed_connect_ends_the_rest_of_its_message(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    with stage.player() as player:
        _number, connect = player.command(
            connect={"token": stage.token(cleo, access_token_seconds=-60)}
        )
        _number, subscribe = player.command(subscribe={"channel": "orders"})
        await player.say(f"{connect}\n{subscribe}")
        assert len(player.transport.documents) == 1
        assert player.closed is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _stage, token: token[:-4] + "AAAA",
        lambda stage, token: claims(stage, token, aud="elsewhere"),
        lambda stage, token: claims(stage, token, iss="elsewhere"),
        lambda stage, token: claims(stage, token, typ="refresh"),
        lambda stage, token: claims(stage, token, sub="nobody"),
        lambda *_: "nonsense",
        lambda *_: "æ.æ.æ",
    ],
)
async def test_a_token_that_is_not_ours_closes(stage: Stage, spoil: Any) -> None:
    cleo = await stage.person("cleo")
    with stage.player() as player:
        await player.tell(connect={"token": spoil(stage, cleo.token)})
        assert (player.closed, player.transport.sent) == (3500, [])


@pytest.mark.parametrize("asked", [{}, {"token": ""}, {"name": "js", "subs": {}}])
async def test_a_connect_without_a_token_is_a_bad_request(stage: Stage, asked: Any) -> None:
    with stage.player() as player:
        await player.tell(connect=asked)
        assert (player.closed, player.transport.sent) == (3501, [])


async def test_a_token_of_another_key_closes(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    forged = stage.token(cleo, secret_key=SecretStr("another key that is of 32 bytes too"))
    with stage.player() as player:
        await player.tell(connect={"token": forged})
        assert player.closed == 3500


async def test_a_deactivated_person_cannot_connect(stage: Stage) -> None:
    cleo, admin = await stage.person("cleo"), await stage.admin()
    await stage.deactivate(admin, cleo)
    with stage.player() as player:
        await player.tell(connect={"token": cleo.token})
        assert player.closed == 3500


async def test_the_token_of_an_ended_session_cannot_connect(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    await stage.sign_out(cleo)
    with stage.player() as player:
        await player.tell(connect={"token": cleo.token})
        assert player.closed == 3500


async def test_a_second_connect_closes(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    async with stage.connected(cleo) as player:
        await player.tell(connect={"token": cleo.token})
        assert player.closed == 3501


@pytest.mark.parametrize(
    "command",
    [
        {"subscribe": {"channel": "orders"}},
        {"unsubscribe": {"channel": "orders"}},
        {"refresh": {"token": "t"}},
        {"rpc": {}},
        {"ping": {}},
        {"send": {}},
    ],
)
async def test_a_command_before_connect_closes(stage: Stage, command: Any) -> None:
    with stage.player() as player:
        await player.tell(**command)
        assert (player.closed, player.transport.sent) == (3501, [])


async def test_connect_and_subscribes_may_come_in_one_message(stage: Stage) -> None:
    staff = await stage.staff()
    with stage.player() as player:
        first, connect = player.command(connect={"token": staff.token})
        second, subscribe = player.command(subscribe={"channel": "orders"})
        await player.say(f"{connect}\n{subscribe}\n")
        assert "connect" in await player.transport.reply(first)
        assert "subscribe" in await player.transport.reply(second)


async def test_an_own_channel_resumes_from_the_position_that_connect_brings(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    own = f"users:{cleo.id}"
    async with stage.connected(cleo) as player:
        await stage.place(cleo)
        seen = (await player.transport.offset(own, 2))[-1]["offset"]
    for _ in range(3):
        await stage.place(cleo)
    wanted = {"recover": True, "offset": seen, "epoch": stage.runtime.follower.epoch}
    with stage.player() as player:
        result = (await player.connect(cleo, subs={own: wanted, "orders": wanted}))["subs"]
        assert list(result) == [own]
        assert (result[own]["recovered"], result[own]["was_recovering"]) == (True, True)
        assert result[own]["offset"] == seen
        await player.transport.offset(own, seen + 3)
        assert player.offsets(own) == [seen + 1, seen + 2, seen + 3]


# --------------------------------------------------------------------- refresh


async def test_a_token_is_refreshed_in_place(stage: Stage) -> None:
    staff = await stage.staff()
    async with stage.connected(staff) as player:
        await player.subscribe("orders")
        before = player.connection.timing.refresh_by
        longer = stage.token(staff, access_token_seconds=1_800)
        result = (await player.ask(refresh={"token": longer}))["refresh"]
        assert result["client"] == player.connection.id
        assert result["expires"] is True
        assert 1_790 <= result["ttl"] <= 1_801
        assert before is not None
        assert player.connection.timing.refresh_by is not None
        assert player.connection.timing.refresh_by > before + 800
        assert "orders" in player.connection.subscriptions


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"access_token_seconds": -60}, 3005), ({"secret_key": SecretStr("x" * 40)}, 3500)],
)
async def test_a_refresh_with_a_token_that_does_not_count_closes(
    stage: Stage, changes: Any, code: int
) -> None:
    cleo = await stage.person("cleo")
    async with stage.connected(cleo) as player:
        await player.tell(refresh={"token": stage.token(cleo, **changes)})
        assert player.closed == code


async def test_a_refresh_with_somebody_elses_token_closes(stage: Stage) -> None:
    cleo, omar = await stage.person("cleo"), await stage.person("omar")
    async with stage.connected(cleo) as player:
        await player.tell(refresh={"token": omar.token})
        assert player.closed == 3500


async def test_a_refresh_may_change_to_another_session_of_the_same_person(stage: Stage) -> None:
    cleo = await stage.person("cleo")
    again = await sign_in(stage.client, cleo.email)
    async with stage.connected(cleo) as player:
        assert "refresh" in await player.ask(refresh={"token": again.token})
        await stage.sign_out(again)
        assert (await player.transport.until_closed())[0] == 3503
