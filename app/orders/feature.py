"""What `main.FEATURES` takes of this package."""

from app.orders.channels import AllOrders, OneOrder
from app.orders.comments_router import router as comments_router
from app.orders.history_router import router as history_router
from app.orders.router import router as orders_router
from app.orders.sharing_router import router as sharing_router
from app.realtime.channels import Feature

FEATURE = Feature(
    "orders",
    routers=(orders_router, sharing_router, comments_router, history_router),
    policies=(AllOrders(), OneOrder()),
)
