"""Every error of the REST side as `application/problem+json` (RFC 9457).

An error is a class that fixes its own `status` and `code`; one handler renders them all, the
framework's own included. `code` is a closed set: `error_codes`.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.allowed_methods import allowed_methods
from app.core.unavailable import SESSION_FAILURES, is_unavailable

logger = logging.getLogger(__name__)

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_SECONDS = 1
MALFORMED = {"json_invalid"}
VALUE_ERROR = "Value error, "
"""What Pydantic puts before a message of ours."""
MAX_ERRORS = 100
"""So many wrong places does an answer name at most."""
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class ProblemDetail(BaseModel):
    """One wrong place in a request body, query, path or header."""

    pointer: str = Field(examples=["/items/0/quantity"])
    message: str


class Problem(BaseModel):
    """The body of every error."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    instance: str
    errors: list[ProblemDetail] | None = Field(default=None, max_length=MAX_ERRORS)


class AppError(Exception):
    """Base of the errors that a caller may see. Subclasses fix `status` and `code`; `body` is what
    is said of one in the description, `extra` included.
    """

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    code: ClassVar[str] = "internal_error"
    detail: ClassVar[str] = "Something went wrong on our side."
    body: ClassVar[type[Problem]] = Problem

    def __init__(
        self,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
        errors: Sequence[ProblemDetail] = (),
    ) -> None:
        super().__init__(detail or self.detail)
        self.message = detail or self.detail
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})
        self.errors = list(errors)


class BadRequest(AppError):
    status, code, detail = HTTPStatus.BAD_REQUEST, "bad_request", "The request is malformed."


class Unauthorized(AppError):
    status, code = HTTPStatus.UNAUTHORIZED, "unauthorized"
    detail = "Sign in to do this."

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(AppError):
    status, code, detail = HTTPStatus.FORBIDDEN, "forbidden", "You may not do this."


class NotFound(AppError):
    status, code, detail = HTTPStatus.NOT_FOUND, "not_found", "There is no such thing here."


class RequestTimeout(AppError):
    status, code = HTTPStatus.REQUEST_TIMEOUT, "request_timeout"
    detail = "The request body took too long to come."


class Conflict(AppError):
    status, code = HTTPStatus.CONFLICT, "conflict"
    detail = "This does not fit the present state."


class PayloadTooLarge(AppError):
    status, code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "payload_too_large"
    detail = "The request body is too large."


class UnsupportedMediaType(AppError):
    status, code = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"
    detail = "Send the body as application/json."


class InvalidRequest(AppError):
    status, code = HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request"
    detail = "Some of what was sent is not valid."


class TooManyRequests(AppError):
    status, code = HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests"
    detail = "That was too much in too short a time; wait as Retry-After says."

    def __init__(self, seconds: float) -> None:
        super().__init__(headers={"Retry-After": str(max(1, math.ceil(seconds)))})


class ServiceUnavailable(AppError):
    status, code = HTTPStatus.SERVICE_UNAVAILABLE, "service_unavailable"
    detail = "Tandem, or a service that it needs, cannot do this just now; try again shortly."

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


STATUS_CODES: dict[int, str] = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "request_timeout",
    409: "conflict",
    412: "precondition_failed",
    413: "payload_too_large",
    415: "unsupported_media_type",
    422: "invalid_request",
    428: "precondition_required",
    429: "too_many_requests",
    431: "request_header_fields_too_large",
    500: "internal_error",
    503: "service_unavailable",
    505: "bad_request",
}


def code_of(status: HTTPStatus) -> str:
    """Of an error that has no class of its own."""
    ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return STATUS_CODES.get(status, "internal_error" if ours else "bad_request")


def error_codes() -> list[str]:
    """Every `code` that an answer of this application can carry."""
    found = set(STATUS_CODES.values())
    classes = [AppError]
    for error in classes:
        found.add(error.code)
        classes.extend(error.__subclasses__())
    return sorted(found)


def render(request: HTTPConnection, error: AppError) -> JSONResponse:
    """The one place that turns an error into a response, also to what would become a socket."""
    problem = Problem(
        title=error.status.phrase,
        status=error.status,
        detail=error.message,
        code=error.code,
        instance=request.url.path,
        errors=error.errors or None,
    )
    body = problem.model_dump(exclude_none=True) | error.extra
    return JSONResponse(body, error.status, error.headers, media_type=PROBLEM_JSON)


class UnexpectedErrorMiddleware:
    """An edge: whatever no handler took is logged and answered here, inside all other middleware.

    So the answer carries the headers that every answer has, and the line in the log its request
    id. Starlette's own place for this lies outside of both.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, send_watched)
        except Exception as error:
            if started:  # too late for an answer: the server breaks the connection off
                raise
            response = await _on_unexpected(Request(scope), error)
            await response(scope, receive, send)


def install_error_handlers(app: FastAPI) -> None:
    """Register the handlers, before any other middleware: each error becomes a Problem."""
    app.add_middleware(UnexpectedErrorMiddleware)
    app.add_exception_handler(AppError, _on_app_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    for failure in SESSION_FAILURES:
        app.add_exception_handler(failure, _on_database_error)
    app.add_exception_handler(Exception, _on_unexpected)


async def _on_app_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AppError)  # noqa: S101 - registered for this class alone
    return render(request, error)


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class alone
    status, headers = HTTPStatus(error.status_code), dict(error.headers or {})
    if "Allow" in headers:
        headers["Allow"] = allowed_methods(request) or headers["Allow"]  # of a mount: its own
    problem = Problem(
        title=status.phrase,
        status=status,
        detail=(status.description if error.detail == status.phrase else "") or error.detail,
        code=code_of(status),
        instance=request.url.path,
    )
    return JSONResponse(
        problem.model_dump(exclude_none=True), status, headers, media_type=PROBLEM_JSON
    )


async def _on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class alone
    found = error.errors()
    if any(problem["type"] in MALFORMED for problem in found):
        return render(request, BadRequest("The body is not valid JSON."))
    if isinstance(error.body, bytes):  # FastAPI parses JSON only, and what says that it is JSON
        return render(request, UnsupportedMediaType())
    if isinstance(error.body, FormData) and not _is_form(request):
        return render(request, UnsupportedMediaType(f"Send the body as {FORMS[0]}."))
    details = [
        ProblemDetail(
            pointer=_pointer(problem["loc"]), message=problem["msg"].removeprefix(VALUE_ERROR)
        )
        for problem in found[:MAX_ERRORS]
    ]
    return render(request, InvalidRequest(errors=details))


def _is_form(request: Request) -> bool:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return not given or given in FORMS


async def _on_database_error(request: Request, error: Exception) -> JSONResponse:
    """What another try may mend is a 503 with Retry-After; another refusal is our bug, a 500."""
    if not is_unavailable(error):
        return await _on_unexpected(request, error)
    logger.warning("database unavailable", extra={"error": type(error).__name__})
    return render(request, ServiceUnavailable())


async def _on_unexpected(request: Request, error: Exception) -> JSONResponse:
    logger.error("unexpected error", exc_info=error, extra={"path": request.url.path})
    return render(request, AppError())


def _pointer(location: tuple[int | str, ...]) -> str:
    """A JSON pointer (RFC 6901) into the body; `/query/limit` for the other places."""
    parts = location[1:] if location and location[0] == "body" else location
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
