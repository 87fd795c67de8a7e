"""Errors as they go on the wire where no ASGI call answers: before a request is one, or instead."""

from http import HTTPStatus

from app.core.errors import PROBLEM_JSON, Problem, code_of


def problem_json(status: HTTPStatus, detail: str, instance: str = "") -> str:
    """`instance` is empty where the path may not have come."""
    problem = Problem(
        title=status.phrase, status=status, detail=detail, code=code_of(status), instance=instance
    )
    return problem.model_dump_json(exclude_none=True)


def whole_answer(status: HTTPStatus, detail: str, *lines: str) -> bytes:
    """Head and body; `lines` go into the head. The connection is closed behind it."""
    body = problem_json(status, detail).encode()
    head = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Content-Type: {PROBLEM_JSON}",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *lines,
    ]
    return "\r\n".join([*head, "", ""]).encode() + body
