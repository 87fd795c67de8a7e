"""The deployment under load, over its REST interface."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from secrets import token_hex
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from load.errors import LoadError
from load.http import Answer, HttpClient
from load.redaction import without_user

_API = "/api/v1"
_REQUEST_SECONDS = 10
_CONNECTIONS = 64
_STRANGE = "not the JSON that was expected: is this a Tandem server?"

_Read = TypeVar("_Read")


@dataclass(frozen=True)
class Account:
    """Someone signed in. `token` lives `seconds` from the sign-in on, `until` that moment of the
    monotonic clock.
    """

    email: str
    token: str
    seconds: float
    until: float = inf

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class Target:
    """The set-up calls raise LoadError, `create` and `move` one of `http.FAILURES`."""

    def __init__(self, url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
        self._http = httpx.AsyncClient(
            base_url=self.url + _API, timeout=_REQUEST_SECONDS, limits=limits, transport=transport
        )
        self._writes = HttpClient(self.url + _API)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._writes.close()
        await self._http.aclose()

    async def sign_in(self, email: str, password: str) -> Account:
        form, now = {"username": email, "password": password}, time.monotonic()
        answer = await self._ask("POST", "/auth/token", data=form)
        if answer.status_code in {httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED}:
            raise LoadError.refused(f"{email} cannot sign in: wrong email or password")
        token, seconds = _read(
            answer, lambda it: (str(it["access_token"]), float(it["expires_in"]))
        )
        return Account(email, token, seconds, now + seconds)

    async def register_customer(self) -> Account:
        """A new customer, to own the orders of the run: staff would get each event of an own order
        a second time, on their own channel.
        """
        email, password = f"load-{token_hex(6)}@tandem.example", token_hex(16)
        body = {"email": email, "name": "Load", "password": password}
        _read(await self._ask("POST", "/users", json=body), dict)
        return await self.sign_in(email, password)

    async def head(self, staff: Account) -> int:
        """The offset of the last event of `orders`."""
        return (await self._position(staff)).offset

    async def epoch(self, staff: Account) -> str:
        return (await self._position(staff)).epoch

    async def _position(self, staff: Account) -> "_Position":
        answer = await self._ask("GET", "/orders", params={"limit": 1}, headers=staff.headers)
        position = _read(answer, _Position.of)
        if position.channel != "orders":
            raise LoadError.refused(f"{staff.email} is not staff: `orders` is for staff only")
        return position

    async def list_orders(self, staff: Account) -> list[str]:
        """The ids of the newest orders."""
        answer = await self._ask("GET", "/orders", params={"limit": 20}, headers=staff.headers)
        return _read(answer, lambda it: [str(order["id"]) for order in it["items"]])

    async def get_order(self, staff: Account, order_id: str) -> None:
        _read(await self._ask("GET", f"/orders/{order_id}", headers=staff.headers), dict)

    async def create(self, owner: Account, body: dict[str, Any]) -> Answer:
        return await self._writes.send("POST", "/orders", owner.headers, body)

    async def move(self, staff: Account, order_id: str, etag: str, status: str) -> Answer:
        headers = {**staff.headers, "If-Match": etag}
        return await self._writes.send("PATCH", f"/orders/{order_id}", headers, {"status": status})

    async def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            return await self._http.request(method, path, **request)
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            address = without_user(self.url)
            raise LoadError.unreachable(f"{address} cannot be reached: {reason}") from None


@dataclass(frozen=True)
class _Position:
    channel: str
    epoch: str
    offset: int

    @classmethod
    def of(cls, page: Any) -> Self:
        """Where a page of orders stands."""
        at = page["position"]
        return cls(str(at["channel"]), str(at["epoch"]), int(at["offset"]))


def _read(answer: httpx.Response, of: Callable[[Any], _Read]) -> _Read:
    """What `of` takes from the JSON of a success; otherwise a LoadError of one line that says what
    was answered to what. `of` may raise KeyError, TypeError or ValueError.
    """
    what = f"{answer.request.method} {answer.request.url.path} was answered {answer.status_code}"
    is_json = "json" in answer.headers.get("content-type", "")
    try:
        body = answer.json() if is_json else None
        if answer.is_success and is_json:
            return of(body)
    except (KeyError, TypeError, ValueError):
        raise LoadError.unreachable(f"{what}: {_STRANGE}") from None
    detail = body.get("detail") if isinstance(body, dict) else None
    raise LoadError.unreachable(f"{what}: {detail or _STRANGE}")
