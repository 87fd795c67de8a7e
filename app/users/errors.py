"""What can go wrong with accounts and sessions."""

from typing import Any

from app.auth.tokens import TokenExpiredError, TokenInvalidError
from app.core.errors import AppError, Conflict, Forbidden, NotFound, Unauthorized


class UserNotFound(NotFound):
    code, detail = "user_not_found", "There is no such user."


class SessionNotFound(NotFound):
    code, detail = "session_not_found", "There is no such session of yours."


class EmailTaken(Conflict):
    code, detail = "email_taken", "Somebody else has this e-mail address."


class LastAdmin(Conflict):
    code, detail = "last_admin", "The last active admin can be neither demoted nor deactivated."


class InvalidCredentials(Unauthorized):
    """One answer for a wrong address, a wrong password and a deactivated account."""

    code, detail = "invalid_credentials", "The e-mail address or the password is wrong."


class WrongPassword(Forbidden):
    code, detail = "wrong_password", "This is not the current password."


SIGNED_IN = (Unauthorized, TokenExpiredError, TokenInvalidError)


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
