"""Which errors a route may answer with, for the description of it."""

from typing import Any

from app.core.errors import AppError


def problems(*errors: type[AppError]) -> dict[int | str, dict[str, Any]]:
    """For `responses`: each status with the codes that it can carry, which have one body."""
    by_status: dict[int, list[type[AppError]]] = {}
    for error in errors:
        by_status.setdefault(error.status, []).append(error)
    return {
        int(status): {
            "model": of_status[0].body,
            "description": ", ".join(f"`{error.code}`" for error in of_status),
        }
        for status, of_status in by_status.items()
    }
