"""A running application and the clients of its sockets, all in this process."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from httpx import ASGITransport, AsyncClient

from app.auth.principals import Role
from app.auth.tokens import issue_access_token, read_access_token
from app.core.config import Settings
from app.realtime.commands.dispatch import receive
from app.realtime.fanout.connection import Connection
from app.realtime.runtime import Runtime
from tests.application import Application, Person, join, run_application
from tests.realtime.recording import Document, RecordingTransport

API = "/api/v1"
A_LINE = {"sku": "NW-011", "name": "Cabrales", "quantity": 12, "unit_price": "14.00"}


class Player:
    """Plays one client: what it says is carried out one after the other, as on a socket."""

    def __init__(
        self, runtime: Runtime, connection: Connection, transport: RecordingTransport
    ) -> None:
        self.connection = connection
        self.transport = transport
        self._runtime = runtime
        self._last_id = 0

    @property
    def closed(self) -> int | None:
        """The code of the close."""
        return self.transport.closed[0] if self.transport.closed else None

    async def say(self, message: str) -> None:
        await receive(self._runtime.stations, self.connection, message)

    def command(self, **command: Any) -> tuple[int, str]:
        """A command's id and its document."""
        self._last_id += 1
        return self._last_id, json.dumps({"id": self._last_id, **command})

    async def ask(self, **command: Any) -> Document:
        """The answer to a command."""
        number, document = self.command(**command)
        await self.say(document)
        return await self.transport.reply(number)

    async def tell(self, **command: Any) -> None:
        """Say a command to which there may be no answer."""
        await self.say(self.command(**command)[1])

    async def connect(self, person: Person, **fields: Any) -> Document:
        """Sign in; the result."""
        answer = await self.ask(connect={"token": person.token, **fields})
        result: Document = answer["connect"]
        return result

    async def subscribe(self, channel: str, **fields: Any) -> Document:
        """The result, or the error."""
        answer = await self.ask(subscribe={"channel": channel, **fields})
        result: Document = answer["error" if "error" in answer else "subscribe"]
        return result

    def offsets(self, channel: str) -> list[int]:
        return [pub["offset"] for pub in self.transport.publications(channel)]


@contextmanager
def playing(runtime: Runtime) -> Iterator[Player]:
    transport = RecordingTransport()
    with runtime.connection(transport) as connection:
        yield Player(runtime, connection, transport)


@dataclass
class Stage:
    application: Application
    client: AsyncClient
    _numbers: "count[int]" = field(default_factory=count)

    @property
    def runtime(self) -> Runtime:
        return self.application.runtime

    @property
    def settings(self) -> Settings:
        return self.application.settings

    async def person(self, name: str, role: Role = Role.CUSTOMER) -> Person:
        """Somebody new."""
        return await join(self.application, self.client, f"{name}-{next(self._numbers)}", role)

    async def staff(self) -> Person:
        return await self.person("staff", Role.STAFF)

    async def admin(self) -> Person:
        return await self.person("admin", Role.ADMIN)

    @contextmanager
    def player(self) -> Iterator[Player]:
        with playing(self.runtime) as player:
            yield player

    @asynccontextmanager
    async def connected(self, person: Person, **fields: Any) -> AsyncIterator[Player]:
        """Somebody who has signed in."""
        with self.player() as player:
            await player.connect(person, **fields)
            yield player

    async def place(self, owner: Person) -> str:
        """A new order; its channel."""
        body = {"currency": "EUR", "items": [A_LINE]}
        answer = await self.client.post(f"{API}/orders", json=body, headers=owner.headers)
        return f"orders:{answer.raise_for_status().json()['id']}"

    async def note(self, owner: Person, channel: str, note: str) -> None:
        """Change an order: one more event in its channels."""
        await self._call(
            owner, "PATCH", _path(channel), json={"note": note}, headers={"If-Match": "*"}
        )

    async def delete(self, owner: Person, channel: str) -> None:
        await self._call(owner, "DELETE", _path(channel))

    async def share(self, owner: Person, channel: str, person: Person) -> None:
        await self._call(owner, "PUT", f"{_path(channel)}/collaborators/{person.id}")

    async def unshare(self, owner: Person, channel: str, person: Person) -> None:
        await self._call(owner, "DELETE", f"{_path(channel)}/collaborators/{person.id}")

    async def set_role(self, admin: Person, person: Person, role: Role) -> None:
        await self._call(admin, "PATCH", f"/users/{person.id}", json={"role": role})

    async def deactivate(self, admin: Person, person: Person) -> None:
        await self._call(admin, "DELETE", f"/users/{person.id}")

    async def sign_out(self, person: Person) -> None:
        body = {"refresh_token": person.refresh_token}
        await self._call(person, "POST", "/auth/logout", json=body)

    async def _call(self, person: Person, method: str, path: str, **options: Any) -> None:
        headers = {**person.headers, **options.pop("headers", {})}
        answer = await self.client.request(method, API + path, headers=headers, **options)
        answer.raise_for_status()

    def token(self, person: Person, **changes: Any) -> str:
        """Another token of the same session, by settings that differ."""
        session_id = read_access_token(self.settings, person.token).session_id
        settings = self.settings.model_copy(update=changes)
        return issue_access_token(settings, user_id=person.id, session_id=session_id).token


@asynccontextmanager
async def staged(settings: Settings, **changes: Any) -> AsyncIterator[Stage]:
    """An application with these settings changed."""
    async with run_application(settings.model_copy(update=changes)) as application:
        transport = ASGITransport(app=application.asgi, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url="http://test") as client:
            yield Stage(application, client)


def _path(channel: str) -> str:
    return "/orders/" + channel.partition(":")[2]
