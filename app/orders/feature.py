"""What `main.FEATURES` takes of this package."""

from app.orders.events import AllOrdersPolicy, OneOrderPolicy
from app.orders.router import router
from app.realtime.channels import Feature

FEATURE = Feature("orders", routers=(router,), policies=(AllOrdersPolicy(), OneOrderPolicy()))
