import asyncio
import json
from typing import Any

import pytest
from httpx import AsyncClient

from app.auth.principals import Role
from app.core.database import Sessions
from app.core.ids import new_id
from tests.users.people import API, Cast, controls_of, events_of

USERS, ME = f"{API}/users", f"{API}/users/me"
READ = {"id", "version", "email", "name", "role", "is_active", "created_at", "updated_at"}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", USERS), ("GET", f"{USERS}/ID"), ("PATCH", f"{USERS}/ID"), ("DELETE", f"{USERS}/ID")],
)
@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.STAFF])
async def test_only_admins_see_and_change_others(
    client: AsyncClient, cast: Cast, role: Role, method: str, path: str
) -> None:
    """The same for somebody who does not exist, so that nothing can be told from it."""
    person, other = await cast.person(role), await cast.user()
    for user_id in (other.id, new_id(), "x"):
        address = path.replace("ID", str(user_id))
        body = {"name": "x"} if method == "PATCH" else None
        response = await client.request(method, address, json=body, headers=person.headers)
        assert (response.status_code, response.json()["code"]) == (403, "forbidden")
        anonymous = await client.request(method, address, json=body)
        assert (anonymous.status_code, anonymous.json()["code"]) == (401, "unauthorized")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", ME, "GET, PATCH"),
        ("PATCH", f"{USERS}/lookup", "GET"),
        ("PUT", USERS, "GET, POST"),
    ],
)
async def test_a_405_names_all_that_the_path_can_be_asked_with(
    client: AsyncClient, cast: Cast, method: str, path: str, allowed: str
) -> None:
    admin = await cast.person(Role.ADMIN)
    response = await client.request(method, path, headers=admin.headers)
    assert (response.status_code, response.headers["Allow"]) == (405, allowed)


async def test_admin_pages_through_users(client: AsyncClient, cast: Cast) -> None:
    admin = await cast.person(Role.ADMIN)
    marker = new_id().hex
    made = [str((await cast.user(name=f"{marker} {number}")).id) for number in range(3)]
    query = {"q": marker.upper(), "limit": "2"}
    first = (await client.get(USERS, params=query, headers=admin.headers)).json()
    assert set(first) == {"items", "next_cursor"}
    assert set(first["items"][0]) == READ
    query["cursor"] = first["next_cursor"]
    second = (await client.get(USERS, params=query, headers=admin.headers)).json()
    assert [user["id"] for user in first["items"] + second["items"]] == made[::-1]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "201"}, {"cursor": "x"}, {"page": "1"}, {"q": "\x00"}]
)
async def test_wrong_page_is_refused(
    client: AsyncClient, cast: Cast, query: dict[str, str]
) -> None:
    admin = await cast.person(Role.ADMIN)
    response = await client.get(USERS, params=query, headers=admin.headers)
    assert response.status_code == 422


async def test_admin_reads_and_changes_somebody(
    client: AsyncClient, cast: Cast, sessions: Sessions
) -> None:
    admin, other = await cast.person(Role.ADMIN, "Ann"), await cast.user()
    path, body = f"{USERS}/{other.id}", {"role": "staff", "name": "Omar"}
    changed = await client.patch(path, json=body, headers=admin.headers)
    assert (changed.status_code, changed.json()["role"]) == (200, "staff")
    assert (await client.get(path, headers=admin.headers)).json() == changed.json()
    async with sessions() as session:
        event = (await events_of(session, other.id))[-1]
        assert await controls_of(session, other.id) == 1
    assert event["actor"] == {"id": str(admin.id), "name": "Ann"}
    assert event["changed"] == {"role": ["customer", "staff"], "name": ["Cleo", "Omar"]}
    assert event["user"] == changed.json()


@pytest.mark.parametrize(
    "body",
    [
        {"role": "owner"},
        {"role": 1},
        {"role": None},
        {"is_active": 0},
        {"is_active": "false"},
        {"email": "other@tandem.example"},
        {"name": False},
    ],
)
async def test_wrong_change_is_refused(
    client: AsyncClient, cast: Cast, body: dict[str, Any]
) -> None:
    admin, other = await cast.person(Role.ADMIN), await cast.user()
    response = await client.patch(f"{USERS}/{other.id}", json=body, headers=admin.headers)
    assert (response.status_code, len(response.json()["errors"])) == (422, 1)


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_nobody_is_not_found(client: AsyncClient, cast: Cast, method: str) -> None:
    admin = await cast.person(Role.ADMIN)
    body = {"role": "customer"} if method == "PATCH" else None
    path = f"{USERS}/{new_id()}"
    response = await client.request(method, path, json=body, headers=admin.headers)
    assert (response.status_code, response.json()["code"]) == (404, "user_not_found")
    response = await client.request(method, f"{USERS}/x", json=body, headers=admin.headers)
    assert response.status_code == 422


async def test_new_role_counts_at_once(client: AsyncClient, cast: Cast) -> None:
    """The token is the old one: it says who, not what they may do."""
    admin, other = await cast.person(Role.ADMIN), await cast.person()
    assert (await client.get(USERS, headers=other.headers)).status_code == 403
    for role, status in (("admin", 200), ("staff", 403)):
        await client.patch(f"{USERS}/{other.id}", json={"role": role}, headers=admin.headers)
        assert (await client.get(USERS, headers=other.headers)).status_code == status


async def test_deactivated_user_is_out_at_once_and_comes_back_by_signing_in(
    client: AsyncClient, cast: Cast, sessions: Sessions
) -> None:
    admin, user = await cast.person(Role.ADMIN), await cast.user()
    person = await cast.sign_in(user)
    path = f"{USERS}/{user.id}"
    for _ in range(2):
        assert (await client.delete(path, headers=admin.headers)).status_code == 204
    assert (await client.get(ME, headers=person.headers)).json()["code"] == "invalid_token"
    refreshed = await client.post(
        f"{API}/auth/refresh", json={"refresh_token": person.refresh_token}
    )
    assert refreshed.status_code == 401
    back = await client.patch(path, json={"is_active": True}, headers=admin.headers)
    assert (back.json()["is_active"], back.json()["version"]) == (True, 3)
    assert (await client.get(ME, headers=person.headers)).status_code == 401
    again = await cast.sign_in(user)
    assert (await client.get(ME, headers=again.headers)).status_code == 200
    async with sessions() as session:
        types = [event["type"] for event in await events_of(session, user.id)]
    assert types == ["user.created", "user.deactivated", "user.updated"]


async def test_last_active_admin_stays(client: AsyncClient, cast: Cast) -> None:
    admin = await cast.person(Role.ADMIN)
    path = f"{USERS}/{admin.id}"
    demotion = await client.patch(path, json={"role": "staff"}, headers=admin.headers)
    deactivation = await client.delete(path, headers=admin.headers)
    for response in (demotion, deactivation):
        assert (response.status_code, response.json()["code"]) == (409, "last_admin")


async def test_last_two_admins_cannot_demote_each_other_at_once(
    client: AsyncClient, cast: Cast
) -> None:
    pair = [await cast.person(Role.ADMIN) for _ in range(2)]
    async with asyncio.timeout(10):
        responses = await asyncio.gather(
            client.patch(f"{USERS}/{pair[1].id}", json={"role": "staff"}, headers=pair[0].headers),
            client.delete(f"{USERS}/{pair[0].id}", headers=pair[1].headers),
        )
    statuses = [response.status_code for response in responses]
    assert len([status for status in statuses if status < 300]) == 1
    assert {409, 403, 401}.intersection(statuses)


async def test_no_answer_holds_a_password(client: AsyncClient, cast: Cast) -> None:
    admin = await cast.person(Role.ADMIN)
    for path in (USERS, ME, f"{USERS}/{admin.id}", f"{ME}/sessions"):
        body = json.dumps((await client.get(path, headers=admin.headers)).json())
        assert "password" not in body
        assert "argon2" not in body
