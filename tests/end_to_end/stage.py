"""Where a proof takes place: a database of its own, people, and servers on it."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from httpx import AsyncClient

from app.core.config import Settings
from tests.end_to_end.evidence import final_head
from tests.end_to_end.orders import token_of
from tests.end_to_end.server import ServerProcess, serving


@dataclass
class Stage:
    settings: Settings
    people: dict[str, str]
    http: AsyncClient
    directory: Path

    @property
    def database_url(self) -> str:
        return self.settings.database_url

    def serving(
        self, *, workers: int = 2, redis_url: str = "", **settings: str
    ) -> AbstractAsyncContextManager[ServerProcess]:
        """`settings` are named as in the contract, without their prefix."""
        variables = {f"TANDEM_{name}": value for name, value in settings.items()}
        return serving(
            self.database_url,
            redis_url or self.settings.redis_url,
            self.directory,
            workers=workers,
            **variables,
        )

    async def token(self, server: ServerProcess, name: str) -> str:
        return await token_of(self.http, server.url, self.people[name])

    async def head(self) -> int:
        """Of `orders`, once nothing waits for the relay any more."""
        return await final_head(self.database_url)
