"""What can go wrong with accounts and sessions."""

from app.core.errors import Conflict, Forbidden, NotFound, Unauthorized


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
