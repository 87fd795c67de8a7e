"""What a path can be asked with, for the `Allow` of a 405."""

from fastapi import Request
from starlette.routing import Match

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


def allowed_methods(request: Request) -> str:
    """Of all routes of this path; Starlette names only those of the first."""
    return ", ".join(method for method in METHODS if _is_routed(request, method))


def _is_routed(request: Request, method: str) -> bool:
    scope = {**request.scope, "method": method}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)
