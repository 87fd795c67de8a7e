"""Every error is application/problem+json, and says no more than a caller may know."""

import logging
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated, ClassVar

import pytest
from fastapi import Body, FastAPI, Form, HTTPException
from httpx import AsyncClient, Response
from pydantic import BaseModel, ConfigDict, Field

from app.core.errors import (
    STATUS_CODES,
    AppError,
    BadRequest,
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    PayloadTooLarge,
    ProblemDetail,
    RequestTimeout,
    ServiceUnavailable,
    Unauthorized,
    UnsupportedMediaType,
    install_error_handlers,
)
from app.core.logging import ContextFilter
from app.core.request_ids import RequestIdMiddleware
from tests.core.serving import serving

SECRET = "a-secret-that-no-caller-may-see"


class Teapot(AppError):
    status, code = HTTPStatus.IM_A_TEAPOT, "teapot"
    detail = "It is short and stout."


class Line(BaseModel):
    quantity: int


class Thing(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    lines: list[Line] = Field(default_factory=list)
    prices: dict[str, int] = Field(default_factory=dict)


def make_app() -> FastAPI:
    app = FastAPI()
    install_error_handlers(app)
    app.add_middleware(RequestIdMiddleware)

    @app.post("/things")
    async def things(thing: Thing, limit: int = 1) -> Thing:
        return thing if limit else Thing()

    @app.post("/forms")
    async def forms(name: Annotated[str, Form()]) -> str:
        return name

    @app.get("/raise/{name}")
    async def fail(name: str) -> None:
        raise {error.__name__: error for error in RAISED}[name]

    @app.get("/detailed")
    async def detailed() -> None:
        raise Teapot(
            "No coffee here.",
            headers={"Tandem-Pot": "short"},
            extra={"current": {"stout": True}},
            errors=[ProblemDetail(pointer="/handle", message="is missing")],
        )

    @app.get("/http/{status}")
    async def http(status: int) -> None:
        raise HTTPException(status, headers={"Tandem-Pot": "short"})

    @app.post("/sum")
    async def add(numbers: Annotated[list[int], Body()]) -> int:
        return sum(numbers)

    @app.get("/crash")
    async def crash() -> None:
        raise RuntimeError(SECRET)

    return app


RAISED: tuple[type[AppError], ...] = (
    AppError,
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    Conflict,
    PayloadTooLarge,
    RequestTimeout,
    UnsupportedMediaType,
    InvalidRequest,
    ServiceUnavailable,
)


@pytest.fixture
async def api() -> AsyncIterator[AsyncClient]:
    async with serving(make_app()) as client:
        yield client


def code(answer: Response) -> str:
    """The code of a problem in the shape that all have."""
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body.keys() >= {"type", "title", "status", "detail", "code", "instance"}
    assert body["status"] == answer.status_code
    return str(body["code"])


@pytest.mark.parametrize("error", RAISED)
async def test_an_error_fixes_its_status_and_code(api: AsyncClient, error: type[AppError]) -> None:
    answer = await api.get(f"/raise/{error.__name__}")

    assert (answer.status_code, code(answer)) == (error.status, error.code)


@pytest.mark.parametrize("error", RAISED)
def test_an_error_has_the_code_that_its_status_has_by_itself(error: type[AppError]) -> None:
    assert error.code == STATUS_CODES[error.status]


async def test_a_problem_has_exactly_the_fields_of_the_contract(api: AsyncClient) -> None:
    answer = await api.get("/detailed")

    assert answer.json() == {
        "type": "about:blank",
        "title": "I'm a Teapot",
        "status": 418,
        "detail": "No coffee here.",
        "code": "teapot",
        "instance": "/detailed",
        "errors": [{"pointer": "/handle", "message": "is missing"}],
        "current": {"stout": True},
    }
    assert answer.headers["Tandem-Pot"] == "short"


async def test_a_problem_without_wrong_places_has_no_errors_field(api: AsyncClient) -> None:
    answer = await api.get("/raise/NotFound")

    assert answer.json().keys() == {"type", "title", "status", "detail", "code", "instance"}


async def test_unauthorized_says_how_to_sign_in(api: AsyncClient) -> None:
    answer = await api.get("/raise/Unauthorized")

    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_unavailable_says_when_to_try_again(api: AsyncClient) -> None:
    answer = await api.get("/raise/ServiceUnavailable")

    assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 406, 409, 412, 415, 428, 429, 500, 503])
async def test_the_frameworks_own_error_is_a_problem_with_its_headers(
    api: AsyncClient, status: int
) -> None:
    answer = await api.get(f"/http/{status}")

    assert (answer.status_code, code(answer)) == (status, STATUS_CODES[status])
    assert answer.headers["Tandem-Pot"] == "short"


@pytest.mark.parametrize(("status", "fallback"), [(402, "bad_request"), (501, "internal_error")])
async def test_a_status_without_a_code_of_its_own_stays_in_the_closed_set(
    api: AsyncClient, status: int, fallback: str
) -> None:
    assert code(await api.get(f"/http/{status}")) == fallback


async def test_an_unknown_path_is_not_found(api: AsyncClient) -> None:
    answer = await api.get("/nowhere")

    assert (answer.status_code, code(answer)) == (404, "not_found")
    assert answer.json()["instance"] == "/nowhere"


async def test_another_method_is_not_allowed_and_the_answer_says_which_is(
    api: AsyncClient,
) -> None:
    answer = await api.get("/things")

    assert (answer.status_code, code(answer)) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("body", [b"{", b'{"a":1} x', b"{'a': 1}", b'{"lines":[,]}', b"\xff\xfe"])
async def test_malformed_json_is_a_bad_request(api: AsyncClient, body: bytes) -> None:
    answer = await api.post("/things", content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, code(answer)) == (400, "bad_request")


async def test_wrong_content_names_every_wrong_place(api: AsyncClient) -> None:
    body = {"lines": [{"quantity": 1}, {"quantity": "many"}], "x": 1}
    answer = await api.post("/things?limit=none", json=body)

    assert (answer.status_code, code(answer)) == (422, "invalid_request")
    pointers = [error["pointer"] for error in answer.json()["errors"]]
    assert pointers == ["/query/limit", "/lines/1/quantity", "/x"]
    assert all(error["message"] for error in answer.json()["errors"])


async def test_a_pointer_escapes_slash_and_tilde(api: AsyncClient) -> None:
    answer = await api.post("/things", json={"prices": {"a/b~c": "much"}})

    assert answer.json()["errors"][0]["pointer"] == "/prices/a~1b~0c"


async def test_what_was_sent_is_not_sent_back(api: AsyncClient) -> None:
    answer = await api.post("/things", json={"prices": {"a": SECRET}})

    assert answer.status_code == 422
    assert SECRET not in answer.text


async def test_a_missing_body_is_wrong_content(api: AsyncClient) -> None:
    answer = await api.post("/things")

    assert (answer.status_code, code(answer)) == (422, "invalid_request")


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "", "nonsense"])
@pytest.mark.parametrize("path", ["/things", "/sum"])
async def test_a_body_that_does_not_say_it_is_json_is_unsupported(
    api: AsyncClient, path: str, content_type: str
) -> None:
    answer = await api.post(path, content=b"{}", headers={"Content-Type": content_type})

    assert (answer.status_code, code(answer)) == (415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/a+json"])
async def test_a_body_that_says_it_is_json_is_read(api: AsyncClient, content_type: str) -> None:
    answer = await api.post("/things", content=b"{}", headers={"Content-Type": content_type})

    assert answer.status_code == 200


async def test_json_where_a_form_is_wanted_is_unsupported(api: AsyncClient) -> None:
    answer = await api.post("/forms", json={"name": "Cleo"})

    assert (answer.status_code, code(answer)) == (415, "unsupported_media_type")


async def test_a_form_without_a_field_is_wrong_content(api: AsyncClient) -> None:
    answer = await api.post("/forms", data={"nome": "Cleo"})

    assert (answer.status_code, code(answer)) == (422, "invalid_request")
    assert answer.json()["errors"][0]["pointer"] == "/name"


async def test_an_unexpected_error_tells_the_caller_nothing_of_its_cause(
    api: AsyncClient,
) -> None:
    answer = await api.get("/crash")

    assert (answer.status_code, code(answer)) == (500, "internal_error")
    assert SECRET not in answer.text
    assert "Traceback" not in answer.text


async def test_an_unexpected_error_is_logged_with_the_id_that_the_answer_carries(
    api: AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.addFilter(ContextFilter())
    with caplog.at_level(logging.ERROR, logger="app.core.errors"):
        answer = await api.get("/crash", headers={"X-Request-ID": "request-7"})

    [logged] = caplog.records
    assert answer.headers["X-Request-ID"] == "request-7"
    assert (logged.getMessage(), vars(logged)["request_id"]) == ("unexpected error", "request-7")
    assert logged.exc_info is not None
