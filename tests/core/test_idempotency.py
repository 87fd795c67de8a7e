"""The mechanism without a feature: what a key stands for, and what is kept under it."""

import gc
import json
from collections.abc import AsyncIterator
from typing import NamedTuple, TypedDict
from uuid import uuid4

import pytest
from fastapi import FastAPI, Request
from httpx import ASGITransport, AsyncClient
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.core.config import Settings
from app.core.database import Sessions, create_engine, create_sessions
from app.core.errors import Forbidden, install_error_handlers
from app.core.failpoints import Failpoints
from app.core.idempotency import IdempotencyKeyInUse, IdempotencyTurns, once

USER_ID = uuid4()


class Answered(NamedTuple):
    status: int
    body: bytes
    headers: dict[str, str]


class State(TypedDict):
    sessions: Sessions
    idempotency: IdempotencyTurns


class Refused(Forbidden):
    """Raised by a handler after its key was claimed."""


app = FastAPI()
install_error_handlers(app)


@app.put("/{name}")
@app.post("/{name}")
async def write(name: str, body: dict[str, int], request: Request) -> Response:
    """Answers with the status that is asked for, bytes of its own and two headers."""

    async def answer() -> Response:
        if body["status"] == Refused.status:
            raise Refused
        return Response(uuid4().bytes, body["status"], {"X-Name": name, "X-Other": "\u00fc"})

    sessions: Sessions = request.state.sessions
    async with sessions() as session, session.begin():
        return await once(answer, request=request, session=session, user_id=USER_ID)


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[AsyncClient]:
    engine = create_engine(settings)
    turns = IdempotencyTurns(Failpoints())
    state = State(sessions=create_sessions(engine), idempotency=turns)

    async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": dict(state)}, receive, send)

    async with AsyncClient(transport=ASGITransport(asgi), base_url="http://test") as client:
        yield client
    await engine.dispose()


async def call(
    client: AsyncClient, *, method: str = "POST", name: str = "a", status: int = 200
) -> Answered:
    headers = {"Idempotency-Key": "a-key"}
    answer = await client.request(method, f"/{name}", json={"status": status}, headers=headers)
    return Answered(answer.status_code, answer.content, dict(answer.headers))


@pytest.mark.parametrize("status", [200, 201, 299])
async def test_a_success_is_answered_again_with_its_status_bytes_and_headers(
    client: AsyncClient, status: int
) -> None:
    first, second = [await call(client, status=status) for _ in range(2)]

    assert (first.status, len(first.body)) == (status, 16)
    assert second == first
    assert (first.headers["x-name"], first.headers["x-other"]) == ("a", "\u00fc")


async def test_an_answer_without_a_body_is_kept_too(client: AsyncClient) -> None:
    assert await call(client, status=204) == await call(client, status=204)


@pytest.mark.parametrize("status", [Refused.status, 302, 404, 503])
async def test_nothing_but_a_success_uses_a_key_up(client: AsyncClient, status: int) -> None:
    """Whether the handler raised it or answered with it: another body may take the key."""
    refused = await call(client, status=status)
    first, second = [await call(client) for _ in range(2)]

    assert (refused.status, first.status) == (status, 200)
    assert second == first


async def test_the_same_key_at_another_path_is_refused(client: AsyncClient) -> None:
    await call(client, name="a")

    other = await call(client, name="b")

    assert other.status == 422
    assert json.loads(other.body)["code"] == "idempotency_key_reused"


async def test_the_same_key_with_another_method_is_refused(client: AsyncClient) -> None:
    await call(client, method="POST")

    other = await call(client, method="PUT")

    assert other.status == 422
    assert json.loads(other.body)["code"] == "idempotency_key_reused"


async def test_two_keys_are_none(client: AsyncClient) -> None:
    headers = [("Idempotency-Key", "a-key"), ("Idempotency-Key", "another")]

    answer = await client.post("/a", json={"status": 200}, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_idempotency_key")


async def test_a_turn_is_taken_by_one_at_a_time() -> None:
    turns = IdempotencyTurns(Failpoints(), wait_seconds=0)
    async with turns.take(USER_ID, "a-key"):
        with pytest.raises(IdempotencyKeyInUse):
            async with turns.take(USER_ID, "a-key"):
                pass
        async with turns.take(USER_ID, "another"), turns.take(uuid4(), "a-key"):
            pass
    async with turns.take(USER_ID, "a-key"):
        pass


async def test_nothing_remembers_a_turn_that_is_over() -> None:
    turns = IdempotencyTurns(Failpoints())
    async with turns.take(USER_ID, "a-key"):
        assert len(turns._locks) == 1

    gc.collect()
    assert len(turns._locks) == 0
