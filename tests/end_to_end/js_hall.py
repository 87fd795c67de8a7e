"""A server, and clients of centrifuge-js that are signed in there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from httpx import AsyncClient

from tests.application import PASSWORD
from tests.end_to_end.js_client import JsClient, js_client
from tests.end_to_end.orders import bearer, place_order, token_of
from tests.end_to_end.server import ServerProcess


class Hall:
    """`flavour` is the one that its clients speak; people are known by name, see `conftest`."""

    def __init__(
        self, flavour: str, server: ServerProcess, http: AsyncClient, people: dict[str, str]
    ) -> None:
        self.flavour = flavour
        self.server = server
        self.http = http
        self._people = dict(people)
        self._tokens: dict[str, str] = {}

    @asynccontextmanager
    async def client(self, name: str) -> AsyncIterator[JsClient]:
        """Connected. It gets its tokens by itself, from a session of its own."""
        form = {"username": self._people[name], "password": PASSWORD}
        answer = await self.http.post(f"{self._api}/auth/token", data=form)
        answer.raise_for_status()
        async with js_client(self.flavour, self.server.url) as client:
            await client.call("connect", token=answer.json()["refresh_token"])
            yield client

    async def join(self, name: str) -> str:
        """A new customer; their id."""
        email = self._people[name] = f"{name}@{self.flavour}.example"
        person = {"email": email, "name": name.title(), "password": PASSWORD}
        answer = (await self.http.post(f"{self._api}/users", json=person)).raise_for_status()
        return str(answer.json()["id"])

    async def place(self, name: str, *, at: ServerProcess | None = None) -> dict[str, Any]:
        """An order of this person, placed at this or another server of the same cluster."""
        token = await self.token(name)
        return await place_order(self.http, (at or self.server).url, token)

    async def delete(self, name: str, path: str) -> None:
        headers = bearer(await self.token(name))
        (await self.http.delete(f"{self._api}/{path}", headers=headers)).raise_for_status()

    async def token(self, name: str) -> str:
        if name not in self._tokens:
            email = self._people[name]
            self._tokens[name] = await token_of(self.http, self.server.url, email)
        return self._tokens[name]

    @property
    def _api(self) -> str:
        return f"{self.server.url}/api/v1"
