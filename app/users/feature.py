"""What `main.FEATURES` takes of this package."""

from app.realtime.channels import Carried, Feature
from app.users.channels import EveryUser, OneUser
from app.users.events import UserEvent
from app.users.router import router as users_router
from app.users.sessions_router import router as sessions_router

EVENTS = (UserEvent,)
FEATURE = Feature(
    name="users",
    routers=(users_router, sessions_router),
    policies=(EveryUser(), OneUser()),
    carries=tuple(Carried(each, EVENTS) for each in ("users", "users:{id}")),
)
