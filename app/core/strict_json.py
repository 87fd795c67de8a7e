"""Bodies of JSON as RFC 8259 has it, each read in a short step: the loop stands still meanwhile.

Python's own reader takes NaN and Infinity for numbers. What it needs is told by how many values it
finds: a MiB of short ones takes it a hundred times as long as a MiB of text.
"""

import json
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, NoReturn

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope

from app.core.schemas import BODY_BYTES, RequestModel

MAX_VALUES = 8 * 1024
"""An order of 100 lines has about five hundred, and as many names of fields."""
DEEP_COMMAS = 8
"""With fewer, thousands of values can only stand in each other: there the reader ends by itself."""
LONG_INT, LONGEST_INT = 40, 4_300
"""Digits. To read them all takes the square of their number; past the second, Python refuses."""


class StrictRequest(Request):
    def __init__(self, scope: Scope, receive: Receive, max_bytes: int) -> None:
        super().__init__(scope, receive)
        self.max_bytes = max_bytes

    async def json(self) -> Any:
        """Raises JSONDecodeError; HTTPException for what is too much to be read at all."""
        if not hasattr(self, "_json"):
            self._json = read_json(await self.body(), self.max_bytes)
        return self._json


class StrictRoute(APIRoute):
    """For every router that takes JSON: its requests are StrictRequests, bounded by its model."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle
        model, max_bytes = self.body_field.field_info.annotation, BODY_BYTES
        if isinstance(model, type) and issubclass(model, RequestModel):
            max_bytes = model.max_bytes

        async def handle_strictly(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive, max_bytes))

        return handle_strictly


def read_json(body: bytes, max_bytes: int) -> Any:
    """Raises ValueError for what is no JSON, RecursionError for what is too deep, and HTTPException
    for what holds too much, which is not looked at any further.
    """
    if len(body) > max_bytes:
        raise _TooMuch(f"The body holds more than {max_bytes} bytes.")
    text = body.decode(json.detect_encoding(body), "surrogatepass")
    if len(text) > MAX_VALUES and _has_many_values(text):
        raise _TooMuch(f"The body holds more than {MAX_VALUES} values.")
    return json.loads(text, parse_constant=_refuse, parse_int=_read_int)


class _TooMuch(HTTPException):
    """Any other exception, while FastAPI reads the body, becomes its own 400."""

    def __init__(self, detail: str) -> None:
        super().__init__(HTTPStatus.UNPROCESSABLE_ENTITY, detail)


def _has_many_values(text: str) -> bool:
    """By the marks outside of strings; beyond the strings that so many values may have, by all."""
    bare = text.replace("\\\\", "").replace('\\"', "")
    outside = "".join(bare.split('"', 4 * MAX_VALUES)[::2])
    commas = outside.count(",")
    values = commas + outside.count("[") + outside.count("{")
    return values > MAX_VALUES and commas >= DEEP_COMMAS


def _read_int(digits: str) -> float:
    """A long one as a float, which is as far out of every range."""
    return float(digits) if LONG_INT < len(digits) <= LONGEST_INT else int(digits)


def _refuse(constant: str) -> NoReturn:
    raise json.JSONDecodeError(f"{constant} is no number in JSON", constant, 0)
