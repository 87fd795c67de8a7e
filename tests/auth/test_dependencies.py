import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import jwt
import pytest
from fastapi import FastAPI, Request
from pydantic import SecretStr

from app.auth.dependencies import AdminPrincipal, CurrentPrincipal
from app.auth.principals import Principal, Principals, Role
from app.auth.tokens import issue_access_token
from app.core.config import Settings
from app.core.errors import install_error_handlers
from app.core.ids import new_id

KEY = "k" * 32
SETTINGS = Settings(environment="test", secret_key=SecretStr(KEY))


class People:
    """A PrincipalSource of those who were added."""

    def __init__(self) -> None:
        self.known: dict[tuple[UUID, UUID], Principal] = {}

    def add(self, role: Role) -> Principal:
        person = Principal(new_id(), new_id(), "Cleo", role)
        self.known[person.user_id, person.session_id] = person
        return person

    async def find(self, user_id: UUID, session_id: UUID) -> Principal | None:
        return self.known.get((user_id, session_id))


def bearer(person: Principal) -> dict[str, str]:
    issued = issue_access_token(SETTINGS, user_id=person.user_id, session_id=person.session_id)
    return {"Authorization": f"Bearer {issued.token}"}


@pytest.fixture
def people() -> People:
    return People()


@pytest.fixture
async def caller(people: People) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    install_error_handlers(app)
    principals = Principals(people)

    @app.get("/anyone")
    async def anyone(request: Request, principal: CurrentPrincipal) -> str:
        assert request.state.principals is principals
        return principal.name

    @app.get("/admin")
    async def admin(principal: AdminPrincipal) -> str:
        return principal.role

    async def with_state(scope: Any, receive: Any, send: Any) -> None:
        scope["state"] = {"principals": principals, "settings": SETTINGS}
        await app(scope, receive, send)

    transport = httpx.ASGITransport(with_state)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_signed_in_caller_is_recognised(people: People, caller: httpx.AsyncClient) -> None:
    response = await caller.get("/anyone", headers=bearer(people.add(Role.CUSTOMER)))
    assert (response.status_code, response.json()) == (200, "Cleo")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic eDp5"])
async def test_caller_without_a_token_is_asked_to_sign_in(
    caller: httpx.AsyncClient, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}
    response = await caller.get("/anyone", headers=headers)
    assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.headers["content-type"] == "application/problem+json"


async def test_forged_token_is_invalid(caller: httpx.AsyncClient) -> None:
    response = await caller.get("/anyone", headers={"Authorization": "Bearer a.b.c"})
    assert (response.status_code, response.json()["code"]) == (401, "invalid_token")
    assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_expired_token_says_so(people: People, caller: httpx.AsyncClient) -> None:
    token = bearer(people.add(Role.CUSTOMER))["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    stale = jwt.encode({**claims, "exp": int(time.time()) - 1}, KEY)
    response = await caller.get("/anyone", headers={"Authorization": f"Bearer {stale}"})
    assert (response.status_code, response.json()["code"]) == (401, "token_expired")


async def test_genuine_token_of_an_ended_session_is_invalid(
    people: People, caller: httpx.AsyncClient
) -> None:
    person = people.add(Role.CUSTOMER)
    people.known.clear()
    response = await caller.get("/anyone", headers=bearer(person))
    assert (response.status_code, response.json()["code"]) == (401, "invalid_token")


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        (Role.CUSTOMER, "/admin", 403),
        (Role.STAFF, "/admin", 403),
        (Role.ADMIN, "/admin", 200),
    ],
)
async def test_roles_open_what_is_theirs(
    people: People, caller: httpx.AsyncClient, role: Role, path: str, status: int
) -> None:
    response = await caller.get(path, headers=bearer(people.add(role)))
    assert response.status_code == status
