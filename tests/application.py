"""The application inside a test: its lifespan, its state, and people who are signed in."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from httpx import AsyncClient, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from app.auth.passwords import hash_password
from app.auth.principals import Role
from app.core.config import Settings
from app.core.database import Sessions
from app.main import create_app
from app.realtime.runtime import Runtime
from app.users import service as users_service
from tests.waiting import POLL_SECONDS

PASSWORD = "a-password"
READY_SECONDS = 30.0
LINGER_SECONDS = 0.05
"""Of an application that tests share: what nobody follows any more is left before the next one."""

routes: list[BaseRoute] = []
"""Those of the first application, for all others: no setting changes them, and to make them ready
anew takes longer than most tests.
"""


@dataclass
class Person:
    """Somebody signed in; `headers` go with their requests."""

    id: UUID
    email: str
    name: str
    token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass
class Application:
    """A running application; `asgi` hands the lifespan's state to each request."""

    asgi: ASGIApp
    state: MutableMapping[str, Any]
    settings: Settings

    @property
    def sessions(self) -> Sessions:
        sessions: Sessions = self.state["sessions"]
        return sessions

    @property
    def runtime(self) -> Runtime:
        runtime: Runtime = self.state["realtime"]
        return runtime

    async def create_user(self, email: str, role: Role, name: str = "") -> UUID:
        return await create_user(self.sessions, self.settings, email, role, name)


@asynccontextmanager
async def run_application(
    settings: Settings, *, recording: bool = True
) -> AsyncIterator[Application]:
    app = create_app(settings, recording=recording)
    if not routes:
        routes.extend(app.router.routes)
    app.router.routes[:] = routes
    async with app.router.lifespan_context(app) as state:
        given = dict(state or {})

        async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": dict(given)}, receive, send)

        yield Application(asgi, given, settings)


async def readiness(
    client: AsyncClient, status: str = "ok", *, detail: str = "", url: str = ""
) -> Response:
    """/ready, once it says so: what a start did not wait for comes a moment later."""
    async with asyncio.timeout(READY_SECONDS):
        while True:
            answer = await client.get(f"{url}/ready")
            if answer.json()["status"] == status and detail in answer.text:
                return answer
            await asyncio.sleep(POLL_SECONDS)


async def create_user(
    sessions: Sessions, settings: Settings, email: str, role: Role, name: str = ""
) -> UUID:
    """An account with PASSWORD, straight through the service."""
    password_hash = await hash_password(settings, PASSWORD)
    async with sessions() as session, session.begin():
        user = await users_service.create_user(
            session,
            email=email,
            name=name or email.partition("@")[0].title(),
            password_hash=password_hash,
            role=role,
        )
        return user.id


async def sign_in(client: AsyncClient, email: str, password: str = PASSWORD) -> Person:
    form = {"username": email, "password": password}
    answer = await client.post("/api/v1/auth/token", data=form)
    answer.raise_for_status()
    tokens = answer.json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    me = (await client.get("/api/v1/users/me", headers=headers)).raise_for_status().json()
    return Person(
        UUID(me["id"]), me["email"], me["name"], tokens["access_token"], tokens["refresh_token"]
    )


async def join(application: Application, client: AsyncClient, name: str, role: Role) -> Person:
    """A new account, signed in."""
    email = f"{name}@tandem.example"
    await application.create_user(email, role, name.title())
    return await sign_in(client, email)
