"""What can go wrong with accounts and sessions."""

from typing import Any

from app.auth.tokens import TokenExpiredError, TokenInvalidError
from app.core.errors import AppError, Conflict, Forbidden, NotFound, Problem, Unauthorized


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
    """For `responses`: each status with the codes that it can carry."""
    codes: dict[int, list[str]] = {}
    for error in errors:
        codes.setdefault(error.status, []).append(f"`{error.code}`")
    return {
        int(status): {"model": Problem, "description": ", ".join(words)}
        for status, words in codes.items()
    }
