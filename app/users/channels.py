"""Who may subscribe to the channels of users."""

from pydantic import BaseModel

from app.auth.principals import Principal
from app.users.events import USERS_CHANNEL


class EveryUser:
    """`users`: every user event, for admins."""

    namespace = USERS_CHANNEL
    keyed = False
    presence = False
    signals: type[BaseModel] | None = None
    stored = True

    def may_subscribe(self, principal: Principal, _key: str) -> bool:
        return principal.is_admin


class OneUser:
    """`users:<id>`: that user's own events; the server subscribes them at connect."""

    namespace = USERS_CHANNEL
    keyed = True
    presence = False
    signals: type[BaseModel] | None = None
    stored = True

    def may_subscribe(self, principal: Principal, key: str) -> bool:
        return key == str(principal.user_id)
