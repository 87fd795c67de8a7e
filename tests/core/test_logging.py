"""Logs: one line of JSON for each event, with the id of the request that it belongs to."""

import json
import subprocess
import sys
from typing import Any

import pytest
from httpx import Response
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app.core.logging import request_id
from app.core.request_ids import RequestIdMiddleware
from tests.core.serving import serving

LOG = """
import asyncio, logging, sys
from app.core.logging import configure_logging, connection_id, request_id
configure_logging(sys.argv[1])
log = logging.getLogger("tandem.test")
log.info("two\\nlines", extra={"order": 7})
request_id.set("request-7")
connection_id.set("connection-7")
log.warning("with ids")
log.warning("with another", extra={"request_id": "given"})
try:
    1 / 0
except ZeroDivisionError:
    log.exception("failed")
logging.getLogger("uvicorn.error").info("started")
"""


def logged(level: str) -> list[dict[str, Any]]:
    """What a process of its own logs: one JSON object for each line, or this fails."""
    command = [sys.executable, "-c", LOG, level]
    process = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert process.stdout == ""
    return [json.loads(line) for line in process.stderr.splitlines()]


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    return logged("info")


def test_an_event_is_one_line_of_json(lines: list[dict[str, Any]]) -> None:
    first = lines[0]

    assert first["message"] == "two\nlines"
    assert (first["level"], first["logger"], first["order"]) == ("INFO", "tandem.test", 7)
    assert first.keys() >= {"at", "process"}


def test_a_line_outside_of_a_request_has_no_id(lines: list[dict[str, Any]]) -> None:
    assert not lines[0].keys() & {"request_id", "connection_id"}


def test_a_line_carries_the_ids_that_it_belongs_to(lines: list[dict[str, Any]]) -> None:
    assert lines[1]["request_id"] == "request-7"
    assert lines[1]["connection_id"] == "connection-7"


def test_an_id_that_is_given_with_the_event_counts(lines: list[dict[str, Any]]) -> None:
    assert lines[2]["request_id"] == "given"


def test_a_traceback_stays_in_its_line(lines: list[dict[str, Any]]) -> None:
    assert "ZeroDivisionError" in lines[3]["exc_info"]


def test_the_servers_chatter_is_left_out(lines: list[dict[str, Any]]) -> None:
    assert [line["message"] for line in lines[4:]] == []


def test_a_higher_level_leaves_the_lower_out() -> None:
    assert [line["message"] for line in logged("error")] == ["failed"]


# ----------------------------------------------------------------- request ids


async def _echo(_request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(request_id.get()))


async def ask(**headers: str) -> Response:
    app = RequestIdMiddleware(Starlette(routes=[Route("/", _echo)]))
    async with serving(app) as client:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await client.get("/", headers=given)


async def test_a_request_gets_an_id_that_its_answer_carries() -> None:
    answer = await ask()

    assert answer.text == answer.headers["X-Request-ID"]
    assert len(answer.text) == 36


async def test_every_request_gets_another_id() -> None:
    assert (await ask()).text != (await ask()).text


async def test_the_callers_own_id_is_kept() -> None:
    answer = await ask(x_request_id="Caller_1.a-b")

    assert answer.text == answer.headers["X-Request-ID"] == "Caller_1.a-b"


@pytest.mark.parametrize("given", ["", "a b", 'a"b', "{}", "x" * 65, "a;b"])
async def test_an_id_that_could_disturb_a_log_is_replaced(given: str) -> None:
    answer = await ask(x_request_id=given)

    assert answer.headers["X-Request-ID"] != given
    assert answer.text == answer.headers["X-Request-ID"]


async def test_an_id_does_not_outlive_its_request() -> None:
    await ask(x_request_id="caller")

    assert request_id.get() is None
