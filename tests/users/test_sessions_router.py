import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import jwt
import pytest
from httpx import AsyncClient
from sqlalchemy import func, update

from app.auth.principals import Role
from app.core.config import Settings
from app.core.database import Sessions
from app.users.models import UserSession
from tests.application import PASSWORD, Person
from tests.users.people import API, Cast, controls_of

TOKEN, REFRESH, LOGOUT, ME = (
    f"{API}{path}" for path in ("/auth/token", "/auth/refresh", "/auth/logout", "/users/me")
)
TOKEN_FIELDS = {"access_token", "token_type", "expires_in", "refresh_token"}


async def post_form(client: AsyncClient, **form: Any) -> tuple[int, dict[str, Any]]:
    response = await client.post(TOKEN, data=form)
    return response.status_code, response.json()


async def refresh(client: AsyncClient, token: object) -> tuple[int, dict[str, Any]]:
    response = await client.post(REFRESH, json={"refresh_token": token})
    return response.status_code, response.json()


async def let_grace_pass(sessions: Sessions, person: Person) -> None:
    ago = func.statement_timestamp() - timedelta(seconds=10.1)
    async with sessions.begin() as session:
        mine = update(UserSession).where(UserSession.user_id == person.id)
        await session.execute(mine.values(rotated_at=ago))


async def test_password_gives_tokens(client: AsyncClient, cast: Cast) -> None:
    user = await cast.user()
    response = await client.post(TOKEN, data={"username": user.email, "password": PASSWORD})
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    tokens = response.json()
    assert set(tokens) == TOKEN_FIELDS
    assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 900)


async def test_address_may_be_spelled_in_any_case(client: AsyncClient, cast: Cast) -> None:
    user = await cast.user()
    form = {"username": f" {user.email.upper()} ", "password": PASSWORD, "grant_type": "password"}
    assert (await post_form(client, **form))[0] == 200


async def test_every_wrong_sign_in_gets_the_same_answer(client: AsyncClient, cast: Cast) -> None:
    user, gone = await cast.user(), await cast.user()
    admin = await cast.person(Role.ADMIN)
    await client.delete(f"{API}/users/{gone.id}", headers=admin.headers)
    answers = [
        await post_form(client, username=username, password=password)
        for username, password in [
            (user.email, "wrong password"),
            (user.email, PASSWORD.upper()),
            (user.email, "x" * 10_000),
            (user.email, PASSWORD + "\x00"),
            (gone.email, PASSWORD),
            ("nobody@tandem.example", PASSWORD),
            ("no address", PASSWORD),
            ("\x00", PASSWORD),
            (b"\xed\xa0\x80@tandem.example", PASSWORD),
        ]
    ]
    status, problem = answers[0]
    assert (status, problem["code"]) == (401, "invalid_credentials")
    assert answers == [answers[0]] * len(answers)


async def test_wrong_sign_in_says_how_to_authenticate(client: AsyncClient) -> None:
    response = await client.post(TOKEN, data={"username": "a@b.example", "password": "x"})
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "form",
    [{}, {"username": "a@b.example"}, {"password": "x"}, {"grant_type": "client_credentials"}],
)
async def test_form_must_be_complete(client: AsyncClient, form: dict[str, str]) -> None:
    status, problem = await post_form(client, **form)
    assert (status, problem["code"]) == (422, "invalid_request")
    assert "input" not in problem["errors"][0]


@pytest.mark.parametrize("declared", [True, False])
async def test_a_form_of_more_than_16_kib_is_refused_before_it_is_read(
    client: AsyncClient, *, declared: bool
) -> None:
    form = b"username=a%40b.example&password=" + b"%61" * 6_000

    async def pieces() -> AsyncIterator[bytes]:
        yield form

    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    response = await client.post(TOKEN, content=form if declared else pieces(), headers=kind)

    assert (response.status_code, response.json()["code"]) == (413, "payload_too_large")


async def test_sign_in_takes_no_json(client: AsyncClient) -> None:
    response = await client.post(TOKEN, json={"username": "a@b.example", "password": "x"})
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


async def test_refresh_rotates_the_token(client: AsyncClient, cast: Cast) -> None:
    person = await cast.person()
    status, tokens = await refresh(client, person.refresh_token)
    assert (status, set(tokens)) == (200, TOKEN_FIELDS)
    assert tokens["refresh_token"] != person.refresh_token
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await client.get(ME, headers=headers)).json()["id"] == str(person.id)


async def test_two_tabs_get_the_same_successor(client: AsyncClient, cast: Cast) -> None:
    person = await cast.person()
    async with asyncio.timeout(10):
        answers = await asyncio.gather(*(refresh(client, person.refresh_token) for _ in range(4)))
    assert {status for status, _ in answers} == {200}
    assert len({tokens["refresh_token"] for _, tokens in answers}) == 1


async def test_copy_used_later_ends_the_session(
    client: AsyncClient, cast: Cast, sessions: Sessions
) -> None:
    person = await cast.person()
    _, successor = await refresh(client, person.refresh_token)
    await let_grace_pass(sessions, person)
    response = await client.post(REFRESH, json={"refresh_token": person.refresh_token})
    assert (response.status_code, response.json()["code"]) == (401, "invalid_refresh_token")
    assert response.headers["www-authenticate"] == "Bearer"
    assert (await refresh(client, successor["refresh_token"]))[0] == 401
    assert (await client.get(ME, headers=person.headers)).json()["code"] == "invalid_token"
    async with sessions() as session:
        assert await controls_of(session, person.id) == 1


@pytest.mark.parametrize("token", ["", "x", "\x00", "é", "A" * 75, "a.b.c"])
async def test_refresh_token_that_is_none_of_ours(client: AsyncClient, token: str) -> None:
    status, problem = await refresh(client, token)
    assert (status, problem["code"]) == (401, "invalid_refresh_token")


async def test_access_token_does_not_refresh_nor_does_a_refresh_token_authenticate(
    client: AsyncClient, cast: Cast
) -> None:
    person = await cast.person()
    assert (await refresh(client, person.token))[0] == 401
    headers = {"Authorization": f"Bearer {person.refresh_token}"}
    assert (await client.get(ME, headers=headers)).json()["code"] == "invalid_token"


@pytest.mark.parametrize("token", [None, False, 7, ["x"]])
async def test_refresh_token_is_a_string(client: AsyncClient, token: object) -> None:
    status, problem = await refresh(client, token)
    assert (status, problem["errors"][0]["pointer"]) == (422, "/refresh_token")


@pytest.mark.parametrize(
    ("body", "status"),
    [('{"refresh_token"', 400), ("{}", 422), ('{"refresh_token":"x","more":1}', 422), ("[]", 422)],
)
async def test_refresh_with_a_wrong_body(client: AsyncClient, body: str, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    response = await client.post(REFRESH, content=body, headers=headers)
    assert response.status_code == status


async def test_sign_out_ends_the_session_and_no_other(
    client: AsyncClient, cast: Cast, sessions: Sessions
) -> None:
    user = await cast.user()
    person, elsewhere = await cast.sign_in(user), await cast.sign_in(user)
    body = {"refresh_token": person.refresh_token}
    response = await client.post(LOGOUT, json=body, headers=person.headers)
    assert (response.status_code, response.content) == (204, b"")
    assert (await client.get(ME, headers=person.headers)).json()["code"] == "invalid_token"
    assert (await refresh(client, person.refresh_token))[0] == 401
    assert (await client.get(ME, headers=elsewhere.headers)).status_code == 200
    async with sessions() as session:
        assert await controls_of(session, person.id) == 1


async def test_sign_out_of_somebody_else_is_refused(client: AsyncClient, cast: Cast) -> None:
    person, other = await cast.person(), await cast.person()
    body = {"refresh_token": other.refresh_token}
    response = await client.post(LOGOUT, json=body, headers=person.headers)
    assert (response.status_code, response.json()["code"]) == (401, "invalid_refresh_token")
    assert (await refresh(client, other.refresh_token))[0] == 200


async def test_sign_out_needs_an_access_token(client: AsyncClient, cast: Cast) -> None:
    person = await cast.person()
    response = await client.post(LOGOUT, json={"refresh_token": person.refresh_token})
    assert (response.status_code, response.json()["code"]) == (401, "unauthorized")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"exp": 1_000_000_000}, "token_expired"),
        ({"aud": "somebody-else"}, "invalid_token"),
        ({"iss": "somebody-else"}, "invalid_token"),
        ({"typ": "refresh"}, "invalid_token"),
        ({"sub": "01a20aeb-b3f4-77e1-b6c4-10976a3a9b42"}, "invalid_token"),
    ],
)
async def test_changed_access_token_does_not_authenticate(
    client: AsyncClient, cast: Cast, settings: Settings, changed: dict[str, Any], code: str
) -> None:
    person = await cast.person()
    claims = jwt.decode(person.token, options={"verify_signature": False})
    token = jwt.encode({**claims, **changed}, settings.secret_key.get_secret_value())
    response = await client.get(ME, headers={"Authorization": f"Bearer {token}"})
    assert (response.status_code, response.json()["code"]) == (401, code)
    assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_forged_access_token_does_not_authenticate(client: AsyncClient, cast: Cast) -> None:
    person = await cast.person()
    claims = jwt.decode(person.token, options={"verify_signature": False})
    for token in (jwt.encode(claims, "f" * 32), jwt.encode(claims, "", algorithm="none")):
        response = await client.get(ME, headers={"Authorization": f"Bearer {token}"})
        assert (response.status_code, response.json()["code"]) == (401, "invalid_token")
