"""What is wrong in thousands of places is refused at once, and in few words."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Annotated

import pytest
from fastapi import FastAPI, Query
from httpx import URL, AsyncClient, Response
from pydantic import Field

from app.core.errors import MAX_ERRORS, install_error_handlers
from app.core.schemas import MAX_FIELDS, QueryModel, RequestModel
from tests.core.serving import serving

STALL_SECONDS = 0.1
MANY = 20_000


class Line(RequestModel):
    quantity: int


class Thing(RequestModel):
    name: str = ""
    lines: list[Line] = Field(default_factory=list)


class Search(QueryModel):
    q: str = ""


def make_app() -> FastAPI:
    app = FastAPI()
    install_error_handlers(app)

    @app.post("/things")
    async def things(thing: Thing) -> Thing:
        return thing

    @app.get("/things")
    async def search(query: Annotated[Search, Query()]) -> Search:
        return query

    return app


@pytest.fixture
async def api() -> AsyncIterator[AsyncClient]:
    async with serving(make_app()) as client:
        yield client


async def stretch(asking: Coroutine[None, None, Response]) -> tuple[Response, float]:
    """The answer, and the processor seconds that a turn of the loop took at most."""
    task, longest = asyncio.create_task(asking), 0.0
    while not task.done():
        begun = time.thread_time()
        await asyncio.sleep(0)
        longest = max(longest, time.thread_time() - begun)
    return task.result(), longest


def pointers(answer: Response) -> list[str]:
    """Where a refusal finds something wrong."""
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    return [error["pointer"] for error in answer.json()["errors"]]


def numbered(count: int) -> dict[str, int]:
    return {str(number): 0 for number in range(count)}


@pytest.mark.timed
async def test_a_body_of_thousands_of_unknown_fields_holds_nothing_up(api: AsyncClient) -> None:
    body, headers = json.dumps(numbered(MANY)), {"Content-Type": "application/json"}

    answer, longest = await stretch(api.post("/things", content=body, headers=headers))

    assert pointers(answer) == [""]
    assert answer.json()["errors"][0]["message"] == f"must hold at most {MAX_FIELDS} fields"
    assert longest < STALL_SECONDS


@pytest.mark.timed
async def test_so_does_a_query_of_thousands(api: AsyncClient) -> None:
    url = URL("/things", query="&".join(numbered(MANY // 2)).encode())

    answer, longest = await stretch(api.get(url))

    assert pointers(answer) == ["/query"]
    assert longest < STALL_SECONDS


async def test_of_many_wrong_places_only_the_first_are_named(api: AsyncClient) -> None:
    lines = [numbered(MAX_FIELDS)] * MAX_ERRORS

    answer = await api.post("/things", json={"lines": lines})

    assert len(pointers(answer)) == MAX_ERRORS
    assert pointers(answer)[:2] == ["/lines/0/quantity", "/lines/0/0"]


async def test_a_line_of_thousands_of_unknown_fields_is_wrong_in_one_place(
    api: AsyncClient,
) -> None:
    lines = [{"quantity": 1}, numbered(MANY)]

    assert pointers(await api.post("/things", json={"lines": lines})) == ["/lines/1"]


async def test_a_few_unknown_fields_are_each_named(api: AsyncClient) -> None:
    answer = await api.post("/things", json=numbered(MAX_FIELDS))

    assert len(pointers(answer)) == MAX_FIELDS
