"""What `main.FEATURES` takes of this package."""

from app.realtime.channels import Feature
from app.users.channels import EveryUser, OneUser
from app.users.router import router as users_router
from app.users.sessions_router import router as sessions_router

FEATURE = Feature(
    name="users", routers=(users_router, sessions_router), policies=(EveryUser(), OneUser())
)
