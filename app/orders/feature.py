"""What `main.FEATURES` takes of this package."""

from typing import get_args

from app.orders.channels import AllOrders, OneOrder
from app.orders.comments_router import router as comments_router
from app.orders.events import AnyOrderEvent, OrderWithdrawn
from app.orders.history_router import router as history_router
from app.orders.router import router as orders_router
from app.orders.sharing_router import router as sharing_router
from app.realtime.channels import Carried, Feature

EVENTS = get_args(get_args(AnyOrderEvent)[0])
FEATURE = Feature(
    "orders",
    routers=(orders_router, sharing_router, comments_router, history_router),
    policies=(AllOrders(), OneOrder()),
    carries=(
        *(Carried(each, EVENTS) for each in ("orders", "orders:{id}", "users:{id}")),
        Carried("users:{id}", (OrderWithdrawn,)),
    ),
)
