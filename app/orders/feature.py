"""What `main.FEATURES` takes of this package."""

from app.orders.channels import AllOrders, OneOrder
from app.orders.events import OrderEvent
from app.orders.router import router
from app.realtime.channels import Carried, Feature

EVENTS = (OrderEvent,)
FEATURE = Feature(
    "orders",
    routers=(router,),
    policies=(AllOrders(), OneOrder()),
    carries=tuple(Carried(each, EVENTS) for each in ("orders", "orders:{id}", "users:{id}")),
)
