"""Bodies of JSON as RFC 8259 has it: Python's own reader takes NaN and Infinity for numbers."""

import json
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute


class StrictRequest(Request):
    async def json(self) -> Any:
        """Raises JSONDecodeError."""
        if not hasattr(self, "_json"):
            self._json = json.loads(await self.body(), parse_constant=_refuse)
        return self._json


class StrictRoute(APIRoute):
    """For every router that takes JSON: its requests are StrictRequests."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def handle_strictly(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return handle_strictly


def _refuse(constant: str) -> NoReturn:
    raise json.JSONDecodeError(f"{constant} is no number in JSON", constant, 0)
