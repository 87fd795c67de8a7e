import asyncio
import threading
from typing import Any

import pytest
from httpx import AsyncClient

from app.auth import passwords
from app.auth.passwords import NEW_AT_ONCE, NEW_WAITING
from app.core.database import Sessions
from tests.application import PASSWORD
from tests.users.people import API, Cast, an_email, events_of

USERS, ME = f"{API}/users", f"{API}/users/me"
READ = {"id", "version", "email", "name", "role", "is_active", "created_at", "updated_at"}


def a_sign_up(**changed: Any) -> dict[str, Any]:
    return {"email": an_email(), "name": "Cleo", "password": PASSWORD, **changed}


async def test_anyone_signs_up_as_a_customer(client: AsyncClient, sessions: Sessions) -> None:
    body = a_sign_up(name=" Cleo ")
    response = await client.post(USERS, json=body)
    user = response.json()
    assert (response.status_code, set(user)) == (201, READ)
    assert user["email"] == body["email"]
    assert (user["name"], user["role"], user["version"]) == ("Cleo", "customer", 1)
    assert user["is_active"] is True
    assert user["created_at"].endswith("Z")
    async with sessions() as session:
        [event] = await events_of(session, user["id"])
    assert event["user"] == user


async def test_taken_address_is_a_conflict_in_any_case(client: AsyncClient) -> None:
    body = a_sign_up()
    assert (await client.post(USERS, json=body)).status_code == 201
    response = await client.post(USERS, json=body | {"email": body["email"].upper()})
    assert (response.status_code, response.json()["code"]) == (409, "email_taken")


async def test_one_of_two_who_take_an_address_at_once_gets_it(client: AsyncClient) -> None:
    body = a_sign_up()
    async with asyncio.timeout(10):
        responses = await asyncio.gather(*(client.post(USERS, json=body) for _ in range(4)))
    assert sorted(response.status_code for response in responses) == [201, 409, 409, 409]


async def test_more_sign_ups_than_can_be_served_are_asked_to_come_back(
    client: AsyncClient,
) -> None:
    go_on = threading.Event()
    full = [
        asyncio.create_task(passwords._new.run(lambda: go_on.wait(10)))
        for _ in range(NEW_AT_ONCE + NEW_WAITING)
    ]
    await asyncio.sleep(0)
    response = await client.post(USERS, json=a_sign_up())
    go_on.set()
    assert all(await asyncio.gather(*full))
    assert (response.status_code, response.json()["code"]) == (503, "service_unavailable")
    assert int(response.headers["Retry-After"]) >= 1


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"email": "no address"}, "/email"),
        ({"email": False}, "/email"),
        ({"email": "a\x00b@tandem.example"}, "/email"),
        ({"email": "x" * 250 + "@tandem.example"}, "/email"),
        ({"name": 7}, "/name"),
        ({"name": "  "}, "/name"),
        ({"name": "nul\x00"}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"password": "short"}, "/password"),
        ({"password": None}, "/password"),
        ({"password": "x" * 129}, "/password"),
        ({"role": "admin"}, "/role"),
        ({"is_active": True}, "/is_active"),
    ],
)
async def test_wrong_sign_up_is_pointed_at(
    client: AsyncClient, changed: dict[str, Any], pointer: str
) -> None:
    response = await client.post(USERS, json=a_sign_up(**changed))
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("content", "status"),
    [("{", 400), ("", 422), ("null", 422), ('{"name": "\\ud800"}', 422), ("\xff", 400)],
)
async def test_what_is_no_sign_up_at_all(client: AsyncClient, content: str, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    response = await client.post(USERS, content=content.encode("latin-1"), headers=headers)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


async def test_own_account_is_read_and_changed(client: AsyncClient, cast: Cast) -> None:
    person = await cast.person(name="Cleo")
    response = await client.patch(ME, json={"name": "Chloe"}, headers=person.headers)
    assert response.status_code == 200
    assert (response.json()["name"], response.json()["version"]) == ("Chloe", 2)
    assert (await client.get(ME, headers=person.headers)).json() == response.json()


async def test_change_of_nothing_is_no_change(client: AsyncClient, cast: Cast) -> None:
    person = await cast.person(name="Cleo")
    before = (await client.get(ME, headers=person.headers)).json()
    for body in ({}, {"name": " Cleo "}):
        response = await client.patch(ME, json=body, headers=person.headers)
        assert response.json() == before


@pytest.mark.parametrize(
    "body",
    [{"role": "admin"}, {"is_active": False}, {"name": None}, {"email": ""}, {"password": "x" * 9}],
)
async def test_own_account_is_not_changed_beyond_name_and_address(
    client: AsyncClient, cast: Cast, body: dict[str, Any]
) -> None:
    person = await cast.person()
    response = await client.patch(ME, json=body, headers=person.headers)
    assert response.status_code == 422


async def test_own_address_cannot_become_a_taken_one(client: AsyncClient, cast: Cast) -> None:
    person, other = await cast.person(), await cast.user()
    body = {"email": other.email.upper()}
    response = await client.patch(ME, json=body, headers=person.headers)
    assert (response.status_code, response.json()["code"]) == (409, "email_taken")


async def test_new_password_ends_the_other_sessions(client: AsyncClient, cast: Cast) -> None:
    user = await cast.user()
    person, elsewhere = await cast.sign_in(user), await cast.sign_in(user)
    body = {"current": PASSWORD, "new": "another password"}
    response = await client.post(f"{ME}/password", json=body, headers=person.headers)
    assert response.status_code == 204
    assert (await client.get(ME, headers=person.headers)).json()["version"] == 1
    assert (await client.get(ME, headers=elsewhere.headers)).json()["code"] == "invalid_token"
    for password, status in ((PASSWORD, 401), ("another password", 200)):
        form = {"username": user.email, "password": password}
        assert (await client.post(f"{API}/auth/token", data=form)).status_code == status


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"current": "wrong", "new": "long enough"}, 403, "wrong_password"),
        ({"current": PASSWORD, "new": "short"}, 422, "invalid_request"),
        ({"current": PASSWORD, "new": False}, 422, "invalid_request"),
        ({"new": "long enough"}, 422, "invalid_request"),
    ],
)
async def test_password_is_not_changed(
    client: AsyncClient, cast: Cast, body: dict[str, Any], status: int, code: str
) -> None:
    person = await cast.person()
    response = await client.post(f"{ME}/password", json=body, headers=person.headers)
    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_own_sessions_are_listed_and_ended(client: AsyncClient, cast: Cast) -> None:
    user = await cast.user()
    person, elsewhere = await cast.sign_in(user), await cast.sign_in(user)
    listed = (await client.get(f"{ME}/sessions", headers=person.headers)).json()
    assert [each["is_current"] for each in listed] == [False, True]
    path = f"{ME}/sessions/{listed[0]['id']}"
    assert (await client.delete(path, headers=person.headers)).status_code == 204
    assert (await client.get(ME, headers=elsewhere.headers)).json()["code"] == "invalid_token"
    assert (await client.delete(path, headers=person.headers)).json()["code"] == "session_not_found"
    listed = (await client.get(f"{ME}/sessions", headers=person.headers)).json()
    assert [each["is_current"] for each in listed] == [True]


async def test_sessions_of_others_do_not_exist(client: AsyncClient, cast: Cast) -> None:
    person, other = await cast.person(), await cast.person()
    [theirs] = (await client.get(f"{ME}/sessions", headers=other.headers)).json()
    path = f"{ME}/sessions/{theirs['id']}"
    response = await client.delete(path, headers=person.headers)
    assert (response.status_code, response.json()["code"]) == (404, "session_not_found")
    assert (await client.get(ME, headers=other.headers)).status_code == 200


async def test_exact_address_gives_id_and_name(client: AsyncClient, cast: Cast) -> None:
    person, other = await cast.person(), await cast.user(name="Omar")
    found = await client.get(
        f"{USERS}/lookup", params={"email": other.email.upper()}, headers=person.headers
    )
    assert found.json() == {"id": str(other.id), "name": "Omar"}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"email": "nobody@tandem.example"}, 404),
        ({"email": "%@tandem.example"}, 404),
        ({"email": "nobody"}, 422),
        ({}, 422),
        ({"email": "nobody@tandem.example", "name": "x"}, 422),
    ],
)
async def test_inexact_address_gives_nothing(
    client: AsyncClient, cast: Cast, query: dict[str, str], status: int
) -> None:
    person = await cast.person()
    response = await client.get(f"{USERS}/lookup", params=query, headers=person.headers)
    assert response.status_code == status
