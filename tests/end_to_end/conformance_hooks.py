"""What Schemathesis loads (SCHEMATHESIS_HOOKS): whose requests they are, and what is valid.

They come from a throw-away account of the role in CONFORMANCE_ROLE, and from a new one whenever
its token is refused: what is tried out may end one's own session, or deactivate or demote one's
own account.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import schemathesis
from schemathesis import GenerationMode

PASSWORD = "a-password-to-throw-away"
ROLE = os.environ["CONFORMANCE_ROLE"]
API = f"{os.environ['CONFORMANCE_URL']}/api/v1"
ANONYMOUS = "anonymous"
SKU_LENGTH = 60
ANSWER_SECONDS = 60
ANEW: dict[str, Callable[[], str]] = {
    "If-Match": lambda: "*",
    "Idempotency-Key": lambda: str(uuid4()),
}


class ThrowAway:
    def get(self, _case: Any, _context: schemathesis.AuthContext) -> str:
        email = f"{uuid4()}@tandem.example"
        account = {"email": email, "name": "Thrown Away", "password": PASSWORD}
        httpx.post(f"{API}/users", json=account, timeout=ANSWER_SECONDS).raise_for_status()
        asyncio.run(_give_role(email))
        form = {"username": email, "password": PASSWORD}
        answer = httpx.post(f"{API}/auth/token", data=form, timeout=ANSWER_SECONDS)
        token: str = answer.raise_for_status().json()["access_token"]
        return token

    def set(self, case: Any, data: str, _context: schemathesis.AuthContext) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


async def _give_role(email: str) -> None:
    """Before anybody has asked what this user may do."""
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    try:
        await connection.execute("UPDATE users SET role = $1 WHERE email = $2", ROLE, email)
    finally:
        await connection.close()


if ROLE != ANONYMOUS:
    schemathesis.auth()(ThrowAway)


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Make valid what no JSON Schema can say: a sku stands once in an order, money has the digits
    of its currency, a whole number is written without a point, an edit is not based on a version
    that there never was, and the key of one request is not the key of another.
    """
    if case.meta and case.meta.generation.mode is GenerationMode.POSITIVE:
        for name in ANEW.keys() & (case.headers or {}).keys():
            case.headers[name] = ANEW[name]()
        case.body = _written_plainly(case.body)
        if isinstance(case.body, dict) and "items" in case.body:
            case.body = {**case.body, "items": _as_lines(case.body["items"])}


def _written_plainly(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _written_plainly(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_written_plainly(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _as_lines(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Whole amounts: every currency has these."""
    return [_as_line(line, nth) for nth, line in enumerate(items)]


def _as_line(line: dict[str, Any], nth: int) -> dict[str, Any]:
    sku = f"{line['sku'][:SKU_LENGTH].strip() or 'sku'}-{nth}"
    return {**line, "sku": sku, "unit_price": line["unit_price"].partition(".")[0]}
